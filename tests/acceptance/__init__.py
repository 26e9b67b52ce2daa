"""What Lumen promises, tried on separate processes that are really killed."""
