"""Tests of rules: cases in YAML, what would become of them, and how that differs from what was expected. Pure."""
