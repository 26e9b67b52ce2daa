"""``lumen alert``: send one, list them, show one, watch them."""
