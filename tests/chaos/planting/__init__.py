"""Clean evidence of a real Lumen, and bugs to plant in copies of it: what the checker is tried on."""
