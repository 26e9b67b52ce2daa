"""The small languages inside a rule: matchers, placeholders, patterns, PromQL conditions, command lines."""
