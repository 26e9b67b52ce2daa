"""A campaign of random faults against a whole Lumen: real processes, every trial with what is needed to judge it."""
