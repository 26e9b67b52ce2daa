"""The pages that people see in a browser: console, sign-in, decisions by link. Rendered here, usable without JavaScript."""
