"""Slack in the demo: a stand-in on loopback, a page on which its channel is seen and used, and the votes cast there."""
