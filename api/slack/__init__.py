"""Slack at the edge: clicks come in over HTTP or Socket Mode, become votes, and are answered to whoever clicked."""
