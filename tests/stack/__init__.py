"""What the tests stand on: real servers as child processes, and loopback programs for what cannot run here."""
