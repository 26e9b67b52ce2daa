"""Measurements. Nothing here is a test: a figure is printed, never asserted."""
