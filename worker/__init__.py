"""Wiring: clients, registration, run. Nothing is decided here."""
