"""Logs are JSON lines, and no secret gets into them."""

from __future__ import annotations

import base64
import io
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli import logs
from lumen.redaction import MASK, Redactor, secrets_of
from lumen.settings import Settings, parse_settings

SECRETS = {
    "BRIDGE_SECRET": "k1:bridge-secret-0123456789",
    "LUMEN_WEBHOOK_TOKEN": "hook-token-1,hook-token-2",
    "LUMEN_API_TOKEN": "api/token+3",
    "PROOFD_TOKEN": "proofd-token-4",
    "CONTROL_BUS_TOKEN": "bus-token-5",
    "PROOF_SALT": "salt-of-this-log",
    "CONTROL_BUS_URL": "http://user:bus-passw0rd@127.0.0.1:1/x",
    "PROOF_DSN": "postgresql://lumen:db%2Fpassword@db/lumen",
    "NOTIFY_WEBHOOK_URL": "https://hooks.example.com/services/T00/B00/abcdef",
    "TEMPORAL_API_KEY": "temporal-key-6",
}
HIDDEN = (
    "bridge-secret-0123456789",
    "hook-token-1",
    "hook-token-2",
    "api/token+3",
    "proofd-token-4",
    "bus-token-5",
    "salt-of-this-log",
    "bus-passw0rd",
    "db/password",
    "services/T00/B00/abcdef",
    "temporal-key-6",
)


@pytest.fixture
def settings() -> Settings:
    """Settings with a secret in every place that can hold one."""
    return parse_settings(SECRETS, str)[0]


@pytest.fixture
def stream(settings: Settings) -> Iterator[io.StringIO]:
    """The stream that the logs of this process go to during the test."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    written = io.StringIO()
    logs.configure("tests", settings, written)
    yield written
    logging.captureWarnings(capture=False)
    for handler in list(root.handlers):
        root.removeHandler(handler)
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(level)


def fail(error: Exception) -> None:
    """Raise ``error``."""
    raise error


def lines_of(stream: io.StringIO) -> list[dict[str, Any]]:
    """Return what was logged."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_record_is_one_line_of_json_with_its_extra_fields(stream: io.StringIO) -> None:
    """Time, level, logger, service, message and what was given as extra stand in one object."""
    logging.getLogger("lumen.x").warning("two\nlines %d", 7, extra={"alert_key": "k", "workflow_id": "alert-k"})
    (line,) = lines_of(stream)
    assert line.pop("ts").endswith("Z")
    assert line == {
        "level": "WARNING",
        "logger": "lumen.x",
        "service": "tests",
        "message": "two\nlines 7",
        "alert_key": "k",
        "workflow_id": "alert-k",
    }


def test_an_exception_is_one_string(stream: io.StringIO) -> None:
    """The traceback stands under ``error``."""
    try:
        fail(ValueError("no good"))
    except ValueError:
        logging.getLogger("lumen.x").exception("failed")
    (line,) = lines_of(stream)
    assert line["message"] == "failed"
    assert line["error"].endswith("ValueError: no good")


@pytest.mark.parametrize("secret", HIDDEN)
def test_no_secret_of_the_settings_is_logged(stream: io.StringIO, secret: str) -> None:
    """Message, arguments, extra fields and tracebacks are cleaned, in plain, URL and Basic form."""
    log = logging.getLogger("temporalio.worker")
    basic = base64.b64encode(f"{secret}".encode()).decode()
    try:
        fail(RuntimeError(f"refused {secret}"))
    except RuntimeError:
        log.exception("with %s", secret, extra={"sent": {secret: [secret, (secret,)]}, "url": quote(secret, safe="")})
    log.warning(f"{secret} {basic}")  # noqa: G004 - a message that was put together before
    assert secret not in stream.getvalue()
    assert quote(secret, safe="") not in stream.getvalue()
    assert basic not in stream.getvalue()
    assert MASK in stream.getvalue()


def test_every_secret_is_known(settings: Settings) -> None:
    """Nothing that a setting holds as a secret is missing from the list."""
    assert set(HIDDEN) <= set(secrets_of(settings))


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("GET /decision?token=abc.def&x=1 200", f"GET /decision?token={MASK}&x=1 200"),
        ("Authorization: Bearer abcdefgh", f"Authorization: Bearer {MASK}"),
        ("postgresql://user:pass@host/db", f"postgresql://{MASK}@host/db"),
        ("mail to alice@example.com", "mail to alice@example.com"),
    ],
)
def test_credentials_are_found_by_their_form(text: str, clean: str) -> None:
    """Link tokens, bearer tokens and URL credentials are hidden even when nobody told about them."""
    assert Redactor([]).text(text) == clean


def test_one_secret_inside_another_leaves_nothing_over() -> None:
    """The longer secret is replaced first."""
    assert Redactor(["secret-one", "secret-one-and-more"]).text("a secret-one-and-more b") == f"a {MASK} b"


@given(st.text(min_size=6, max_size=40), st.text(), st.text())
def test_a_secret_never_survives(secret: str, before: str, after: str) -> None:
    """Whatever stands around it, a secret is gone unless the mask itself spells it."""
    if secret not in MASK:
        cleaned = Redactor([secret]).text(f"{before}{secret}{after}")
        assert secret not in cleaned or secret in f"{before}{MASK}{after}"


def test_a_value_that_json_does_not_know_is_logged_as_text(stream: io.StringIO) -> None:
    """An extra field of any type cannot break the line."""
    logging.getLogger("x").info("m", extra={"odd": object(), "number": float("inf"), "\ud800": "\ud800"})
    assert lines_of(stream)[0]["odd"].startswith("<object")


def test_an_extra_field_cannot_pose_as_another(stream: io.StringIO) -> None:
    """A field that is called like one of the record's own does not replace it."""
    logging.getLogger("x").info("true", extra={"level": "FALSE", "ts": "never"})
    assert lines_of(stream)[0]["level"] == "INFO"


def test_warnings_and_loggers_with_handlers_of_their_own_are_included(settings: Settings, stream: io.StringIO) -> None:
    """Python's warnings and a library that printed by itself end up as JSON lines."""
    own = logging.getLogger("library.with.handler")
    own.addHandler(logging.StreamHandler(io.StringIO()))
    own.propagate = False
    logs.configure("tests", settings, stream)
    own.error("heard")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("careful", UserWarning, stacklevel=1)
    messages = [line["message"] for line in lines_of(stream)]
    assert messages[0] == "heard"
    assert "careful" in messages[1]
