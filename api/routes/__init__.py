"""The routes. Each only translates: read, call one thing, answer."""
