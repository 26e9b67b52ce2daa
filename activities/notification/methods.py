"""What is called of Slack, and what comes of it: the labels of the metric."""

from __future__ import annotations

from activities.notification.errors import Kind

POST = "chat.postMessage"
UPDATE = "chat.update"
HISTORY = "conversations.history"
REPLIES = "conversations.replies"
WEBHOOK = "webhook"
METHODS = (POST, UPDATE, HISTORY, REPLIES, WEBHOOK)
OUTCOMES = ("ok", *Kind)
