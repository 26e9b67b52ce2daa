"""A soak: a mild mixed load on a whole Lumen for as long as wanted, and what its processes and files do meanwhile."""
