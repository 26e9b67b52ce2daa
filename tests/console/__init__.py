"""The console in a real browser, over a whole Lumen."""
