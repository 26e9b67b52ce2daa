"""A short soak of the whole."""
