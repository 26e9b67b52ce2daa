"""``controls/apply_feedback_gain.py``: bounded, once for each key, traced, and never undoing somebody else's change."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.controls.program import Run, run

PROGRAM = "apply_feedback_gain.py"


def apply(state: Path, *arguments: str, key: str = "", **variables: str) -> Run:
    """Run the program on a state file."""
    env = {f"LUMEN_{name.upper()}": value for name, value in variables.items()} | {"LUMEN_IDEMPOTENCY_KEY": key}
    return run(PROGRAM, "--state", str(state), *arguments, env=env)


def gain(state: Path) -> float:
    """Return the gain in the file."""
    return float(json.loads(state.read_text())["gain"])


def test_a_factor_lowers_the_gain_and_leaves_a_trace(tmp_path: Path) -> None:
    """The first decrease starts from full gain; state and audit file say what, when and for which alert."""
    state = tmp_path / "deep" / "gain.json"
    ended = apply(state, "--factor", "0.8", key="k1", rule="entropy", alert_key="alertmanager-1")
    assert (ended.code, ended.told) == (0, {"changed": True, "from": 1.0, "gain": 0.8})
    [line] = (tmp_path / "deep" / "gain.json.audit.jsonl").read_text().splitlines()
    change = json.loads(line)
    assert (change["from"], change["to"], change["key"]) == (1.0, 0.8, "k1")
    assert (change["rule"], change["alert_key"]) == ("entropy", "alertmanager-1")
    assert json.loads(state.read_text())["changes"] == [change]


def test_the_same_key_changes_the_gain_once(tmp_path: Path) -> None:
    """A repetition after a crash is told when it was done; another key is another change."""
    state = tmp_path / "gain.json"
    for _ in range(3):
        assert apply(state, "--factor", "0.8", key="k1").code == 0
    assert gain(state) == 0.8
    assert "done_before" in apply(state, "--factor", "0.8", key="k1").told
    apply(state, "--factor", "0.8", key="k2")
    assert gain(state) == 0.64


def test_the_gain_stays_within_its_bounds(tmp_path: Path) -> None:
    """However often it is lowered or raised."""
    state = tmp_path / "gain.json"
    for number in range(10):
        apply(state, "--factor", "0.5", key=f"down{number}")
    assert gain(state) == 0.2
    for number in range(10):
        apply(state, "--step", "0.3", key=f"up{number}")
    assert gain(state) == 1.0


def test_changes_at_once_are_changes_one_after_the_other(tmp_path: Path) -> None:
    """Of sixteen steps at the same time none is lost."""
    state = tmp_path / "gain.json"
    apply(state, "--factor", "0.2", key="first")
    with ThreadPoolExecutor(8) as pool:
        ends = list(pool.map(lambda number: apply(state, "--step", "0.01", key=f"k{number}"), range(16)))
    assert {ended.code for ended in ends} == {0}
    assert gain(state) == pytest.approx(0.36)
    assert len((tmp_path / "gain.json.audit.jsonl").read_text().splitlines()) == 17


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"gain": "high"}', '{"gain": NaN}', '{"gain": true}', '{"gain": 1, "changes": [7]}']
)
def test_a_damaged_state_is_left_alone(tmp_path: Path, content: str) -> None:
    """What cannot be read is not taken for full gain; the program says what to do, and changes nothing."""
    state = tmp_path / "gain.json"
    state.write_text(content)
    ended = apply(state, "--factor", "0.8")
    assert ended.code == 1
    assert str(state) in ended.told["error"]
    assert state.read_text() == content


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--factor", "0"],
        ["--factor", "2.1"],
        ["--factor", "nan"],
        ["--factor", "x"],
        ["--step", "1.1"],
        ["--factor", "0.8", "--least", "0.9", "--most", "0.5"],
        ["--factor", "0.8", "--url", "file:///etc/passwd"],
        ["--fact", "0.8"],
    ],
)
def test_wrong_usage_is_told_and_changes_nothing(tmp_path: Path, arguments: list[str]) -> None:
    """Exit code 2, one line that says what is wrong."""
    ended = run(PROGRAM, *arguments)
    assert ended.code == 2
    assert "error:" in ended.stderr
    assert not list(tmp_path.iterdir())


@dataclass
class Service:
    """A loopback service that keeps a gain; ``meddle`` lets somebody else change it before so many PUTs."""

    gain: float = 1.0
    version: int = 1
    meddle: int = 0
    status: int = 200
    puts: list[dict[str, Any]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    port: int = 0


@contextmanager
def serving(service: Service) -> Iterator[str]:
    """Serve ``service`` and yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(service.status, {"gain": service.gain})

        def do_PUT(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            service.seen.append(self.headers.get("Authorization", ""))
            if service.meddle:
                service.meddle -= 1
                service.gain, service.version = 0.5, service.version + 1
            if self.headers["If-Match"] != f'"{service.version}"':
                self._answer(412, {})
                return
            service.gain, service.version = body["gain"], service.version + 1
            service.puts.append(body)
            self._answer(200, {"gain": service.gain})

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            if status == 307:
                self.send_header("Location", "/elsewhere")
            self.send_header("ETag", f'"{service.version}"')
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/gain"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def test_a_service_is_told_gain_reason_and_key(tmp_path: Path) -> None:
    """The token comes from a file, and the service gets what it needs to keep a trace."""
    token = tmp_path / "token"
    token.write_text("gain-token\n")
    service = Service()
    with serving(service) as url:
        env = {"LUMEN_IDEMPOTENCY_KEY": "k1", "LUMEN_RULE": "entropy"}
        ended = run(PROGRAM, "--factor", "0.8", "--url", url, "--token-file", str(token), env=env)
    assert (ended.code, ended.told) == (0, {"changed": True, "from": 1.0, "gain": 0.8})
    assert service.puts == [{"gain": 0.8, "reason": {"rule": "entropy"}, "idempotency_key": "k1"}]
    assert service.seen == ["Bearer gain-token"]


def test_a_change_of_somebody_else_is_not_undone() -> None:
    """When the gain changed in between, the new one is the base."""
    service = Service(meddle=2)
    with serving(service) as url:
        assert run(PROGRAM, "--factor", "0.8", "--url", url).told["gain"] == 0.4
    assert [put["gain"] for put in service.puts] == [0.4]


@pytest.mark.parametrize("status", [307, 404, 500])
def test_a_service_that_does_not_answer_well_fails_the_action(status: int) -> None:
    """A redirect is not followed, an error is told with its status, nothing is put."""
    service = Service(status=status)
    with serving(service) as url:
        ended = run(PROGRAM, "--factor", "0.8", "--url", url)
    assert ended.code == 1
    assert str(status) in ended.told["error"]
    assert not service.puts


def test_a_service_that_is_away_fails_the_action() -> None:
    """With the address and the reason."""
    ended = run(PROGRAM, "--factor", "0.8", "--url", "http://127.0.0.1:9/gain")
    assert ended.code == 1
    assert "http://127.0.0.1:9/gain" in ended.told["error"]
