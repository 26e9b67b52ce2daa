"""The logs of Temporal's native library, which by itself writes coloured text to stdout."""

from __future__ import annotations

import logging

from temporalio.runtime import LogForwardingConfig, LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter

_LOGGER = "temporalio.core"


def forward() -> None:
    """Send them to Python's logging, so that they are JSON without secrets like all others."""
    forwarding = LogForwardingConfig(
        logging.getLogger(_LOGGER), append_target_to_name=False, prepend_target_on_message=False
    )
    levels = TelemetryFilter(core_level="WARN", other_level="ERROR")
    _use(TelemetryConfig(logging=LoggingConfig(filter=levels, forwarding=forwarding)))


def silence() -> None:
    """Drop them: what fails in a command is told by the command, and its stdout may be read by a program."""
    _use(TelemetryConfig(logging=None))


def _use(telemetry: TelemetryConfig) -> None:
    Runtime.set_default(Runtime(telemetry=telemetry), error_if_already_set=False)
