"""The disaster drill: a real Lumen loses its databases, and is brought back step by step. ``python -m tests.drill``."""
