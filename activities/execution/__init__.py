"""Runs one remediation command so that nothing of it outlives its time, its cancel or its worker."""
