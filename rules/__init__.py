"""The rule and policy language: YAML text in, plans out. Pure but for ``loader`` and ``source``, which read files."""
