"""The API as a process of its own, while Temporal is down."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from api.run import build_tokens
from lumen.errors import SettingsError
from lumen.settings import Settings
from tests.api.payloads import alert, notification
from tests.stack.calling import calls
from tests.stack.processes import Child, free_port, lumen_command
from tests.stack.rulebook import Rulebook

KEYS = {"k1": "a bridge secret of some length"}
AUTH = {"Authorization": "Bearer webhook-secret"}
PATIENCE = 60.0


@pytest.fixture
def rulebook(tmp_path: Path) -> Rulebook:
    """Return a folder of rules."""
    return Rulebook(tmp_path / "rules")


@pytest.fixture
def api(tmp_path: Path, rulebook: Rulebook) -> Iterator[tuple[Child, str]]:
    """Start an API without Temporal and return its process and its URL."""
    port = free_port()
    env = {
        "LUMEN_API_ADDR": f"127.0.0.1:{port}",
        "LUMEN_RULES": str(rulebook.folder),
        "LUMEN_DATA_DIR": str(tmp_path / "var"),
        "LUMEN_WEBHOOK_TOKEN": "webhook-secret",
        "LUMEN_API_TOKEN": "api-secret",
        "BRIDGE_SECRET": "k1:a-bridge-secret-of-some-length",
        "TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}",
    }
    child = Child("api", lumen_command("api"), env, tmp_path)
    child.start()
    try:
        child.wait_until(f"http://127.0.0.1:{port}/healthz")
        yield child, f"http://127.0.0.1:{port}"
    finally:
        child.kill()


def eventually(holds: Callable[[], bool], what: str) -> None:
    """Wait until ``holds``, or fail."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def post(url: str, name: str) -> httpx.Response:
    """Send one alert."""
    return calls().post(f"{url}/webhook", json=notification(alert(name)), headers=AUTH, timeout=PATIENCE)


def test_without_temporal(api: tuple[Child, str]) -> None:
    """The API starts while Temporal is down: alive, not ready, and an alert that has a rule gets a 503."""
    _, url = api
    assert calls().get(f"{url}/healthz").status_code == 200
    assert calls().get(f"{url}/readyz").status_code == 503
    assert post(url, "NoSuchRule").json()["alerts"][0]["result"] == "unmatched"
    answer = post(url, "NobodySendsThis")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert calls().get(f"{url}/alerts", headers={"Authorization": "Bearer api-secret"}).status_code == 503


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_cleanly(api: tuple[Child, str], number: signal.Signals) -> None:
    """SIGTERM and SIGINT end the process with code 0 and without a traceback."""
    child, _ = api
    child.kill(number)
    assert child.wait() == 0
    assert "Traceback" not in child.log


def test_rules_are_reloaded(api: tuple[Child, str], rulebook: Rulebook) -> None:
    """New rules are in force without a restart; broken ones are logged once and the last good ones stay."""
    child, url = api
    assert post(url, "Later").json()["alerts"][0]["result"] == "unmatched"
    rulebook.add("Later", actions=[{"proof": True}])
    eventually(lambda: post(url, "Later").status_code == 503, "the new rule was not loaded")
    (rulebook.folder / "broken.yaml").write_text("rules: [{nonsense: 1}]")
    eventually(lambda: "cannot be used" in child.log, "the broken rules were not logged")
    said = child.log.count("cannot be used")
    os.kill(child.pid, signal.SIGHUP)
    eventually(lambda: child.log.count("cannot be used") > said, "SIGHUP did not load the rules again")
    assert child.log.count("cannot be used") == said + 1
    assert post(url, "Later").status_code == 503


def test_logs_are_json_without_secrets(api: tuple[Child, str]) -> None:
    """Every line of the process is JSON, uvicorn's too, and no token stands in it."""
    child, url = api
    calls().get(f"{url}/alerts?after=query-secret", headers={"Authorization": "Bearer api-secret"})
    child.kill(signal.SIGTERM)
    lines = [json.loads(line) for line in child.log.splitlines() if line.strip()]
    assert any(line.get("path") == "/alerts" for line in lines)
    assert "secret" not in child.log


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (Settings(webhook_tokens=("w",), api_tokens=("a",)), "BRIDGE_SECRET"),
        (Settings(bridge_keys=KEYS, api_tokens=("a",)), "LUMEN_WEBHOOK_TOKEN"),
        (Settings(bridge_keys=KEYS, webhook_tokens=("w",)), "LUMEN_API_TOKEN"),
        (Settings(bridge_keys=KEYS, webhook_tokens=("w",), tokens_file="/nowhere/tokens.yaml"), "LUMEN_TOKENS_FILE"),
        (Settings(embedded=True), "BRIDGE_SECRET"),
    ],
)
def test_missing_settings(settings: Settings, name: str) -> None:
    """What is missing stops the start with one line that names the variable."""
    with pytest.raises(SettingsError, match=name) as error:
        build_tokens(settings)
    assert "\n" not in str(error.value)


def test_tokens_file_is_enough(tmp_path: Path) -> None:
    """With a tokens file no unbound API token is needed."""
    path = tmp_path / "tokens.yaml"
    path.write_text("ab" * 32 + ": {actor: a@example.com, scopes: [read]}")
    book = build_tokens(Settings(bridge_keys=KEYS, webhook_tokens=("w",), tokens_file=str(path)))
    assert book.caller("Bearer w") is not None
