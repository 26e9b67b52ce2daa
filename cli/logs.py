"""Logs: one JSON object a line on stderr, without secrets."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

from lumen.redaction import Redactor, secrets_of
from lumen.settings import Settings

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "color_message",
    "temporal_log",
}
_CHATTY = ("httpx", "httpcore", "httpx2", "httpcore2", "asyncio")


class JsonFormatter(logging.Formatter):
    """Writes a record as ``{"ts", "level", "logger", "service", "message", …}``.

    ``ts`` is RFC 3339 in UTC with milliseconds. What was given as ``extra`` stands beside these under its own name; an
    exception is one string under ``error``.
    """

    def __init__(self, service: str, redactor: Redactor) -> None:
        """Take the name of this process and what hides its secrets."""
        super().__init__()
        self._service = service
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        content = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "service": self._service,
            "message": self._redactor.text(record.getMessage()),
        }
        if record.exc_info and record.exc_info[0] is not None:
            extra["error"] = self.formatException(record.exc_info)
        if record.stack_info:
            extra["stack"] = record.stack_info
        content.update((name, value) for name, value in self._redactor.value(extra).items() if name not in content)
        return json.dumps(content, ensure_ascii=True, allow_nan=True, default=str)


def configure(service: str, settings: Settings, stream: TextIO | None = None) -> None:
    """Send the logs of this process (of every library, too) to ``stream``, by default stderr, as JSON without secrets."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter(service, Redactor(secrets_of(settings))))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    for logger in list(logging.root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger) and logger.handlers:
            logger.handlers.clear()
            logger.propagate = True
    logging.captureWarnings(capture=True)
