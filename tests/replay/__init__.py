"""Recorded histories of episodes, guards, intakes and freezes, and the proof that today's workflow code still fits them."""
