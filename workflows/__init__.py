"""The durable process. Deterministic: imports ``lumen`` and ``rules`` only, and reaches the world through activities."""
