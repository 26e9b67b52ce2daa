"""Random and hostile input, by hand as ``make fuzz`` and in short seeded runs under pytest."""
