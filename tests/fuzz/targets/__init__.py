"""The parsers, each as a small function of bytes that fails when a promise is broken."""
