"""Why something cannot be reached is said in words, never in those of a library."""

from __future__ import annotations

import pytest

from cli.causes import plain_cause


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (OSError("[Errno 111] Connection refused"), "nothing listens there"),
        (
            RuntimeError(
                "Failed client connect: Server connection error: tonic::transport::Error(Transport, ConnectError("
                'ConnectError("tcp connect error", 127.0.0.1:1, Os { code: 111, kind: ConnectionRefused, message: '
                '"Connection refused" })))'
            ),
            "nothing listens there",
        ),
        (OSError("[Errno -2] Name or service not known"), "unknown host name"),
        (RuntimeError('tonic::transport::Error(Transport, ConnectError("dns error"))'), "unknown host name"),
        (OSError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"), "TLS failed"),
        (OSError("[Errno 113] No route to host"), "there is no route to it"),
        (TimeoutError(), "it does not answer"),
        (OSError("Server disconnected without sending a response."), "it closed the connection"),
        (OSError("[Errno 104] Connection reset by peer"), "it closed the connection"),
        (RuntimeError("something(else, entirely)"), "no connection"),
        (ValueError(), "no connection"),
    ],
)
def test_every_failure_to_connect_has_a_cause_in_words(error: Exception, cause: str) -> None:
    """The few that people meet are told apart, the rest is called what it is."""
    assert plain_cause(error) == cause


def test_the_cause_behind_an_error_counts_too() -> None:
    """A library's own error often has no text, and the reason stands behind it."""
    outer = RuntimeError("transport error")
    outer.__cause__ = OSError("Connection refused")
    assert plain_cause(outer) == "nothing listens there"
