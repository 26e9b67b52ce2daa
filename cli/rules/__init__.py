"""Working with rule files: the commands of `lumen rules` beside `check`."""
