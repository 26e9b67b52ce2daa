"""Change the feedback gain of a control loop, within bounds, once for each idempotency key, and leave a trace of it.

    python controls/apply_feedback_gain.py --factor 0.8                     # the gain in ./var/feedback-gain.json
    python controls/apply_feedback_gain.py --step 0.05 --state /srv/gain.json
    python controls/apply_feedback_gain.py --factor 0.8 --url http://127.0.0.1:9000/gain --token-file /run/gain.token

The gain is a number between --least and --most that scales how much a loop may do; 1 is all of it. A factor below 1 is
the decrease of AIMD (Chiu and Jain, 1989), a step its increase. What is asked for twice with the same key (Lumen sets
LUMEN_IDEMPOTENCY_KEY) is done once. In a file, the state and its newest hundred changes are replaced as one, and each change
is appended to STATE.audit.jsonl. By HTTP, the service at --url answers GET with {"gain": …} and an ETag, and takes
PUT {"gain", "reason", "idempotency_key"} under If-Match: it keeps the trace, and refuses when somebody was faster.

Prints one JSON object. Exit codes: 0 done, or done before; 1 not done; 2 wrong usage. Standard library only.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import math
import os
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

DONE, FAILED, USAGE = 0, 1, 2
KEPT = 100
_TIMEOUT = 10.0
_ANSWER_LIMIT = 64 * 1024
_TRIES = 5


class NotDone(Exception):  # noqa: N818 - it is an outcome of this program
    """The gain was not changed; the text says why and what to do."""


class Wish(NamedTuple):
    """What was asked for: ``gain * factor + step`` between ``least`` and ``most``, under a key that may be empty."""

    factor: float
    step: float
    least: float
    most: float
    key: str
    reason: dict[str, str]

    def applied(self, gain: float) -> float:
        """Return the gain that follows ``gain``, rounded so that repeated steps do not collect noise."""
        return round(min(self.most, max(self.least, gain * self.factor + self.step)), 6)


def main(argv: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    parser = _parser()
    options = parser.parse_args(argv)
    if options.least > options.most:
        parser.error("--least must not be above --most")
    if options.factor == 1 and options.step == 0:
        parser.error("say what to change: --factor or --step")
    wish = Wish(options.factor, options.step, options.least, options.most, _variable("IDEMPOTENCY_KEY"), _reason())
    try:
        told = _by_http(options, wish) if options.url else _in_file(Path(options.state), wish)
    except NotDone as error:
        print(json.dumps({"changed": False, "error": str(error)}))
        return FAILED
    print(json.dumps(told))
    return DONE


def _in_file(state: Path, wish: Wish) -> dict[str, Any]:
    try:
        state.parent.mkdir(parents=True, exist_ok=True)
        with _alone(state):
            known = _read_state(state, wish)
            done = next((change for change in known["changes"] if wish.key and change["key"] == wish.key), None)
            if done is not None:
                return {"changed": False, "done_before": done["at"], "gain": known["gain"]}
            change = _change(known["gain"], wish)
            # The trace first: a crash in between leaves a line about a change that did not come, never a change without one.
            _append(state.with_name(f"{state.name}.audit.jsonl"), change)
            _replace(state, {"gain": change["to"], "changes": [*known["changes"], change][-KEPT:]})
    except OSError as error:
        raise NotDone(f"{state}: {error.strerror or error}: nothing was changed") from None
    return {"changed": change["from"] != change["to"], "from": change["from"], "gain": change["to"]}


@contextlib.contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Hold the lock beside ``state``, so that two changes at once are two changes one after the other."""
    descriptor = os.open(state.with_name(f"{state.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _read_state(state: Path, wish: Wish) -> dict[str, Any]:
    try:
        known = json.loads(state.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {"gain": wish.most, "changes": []}
    except ValueError:
        raise NotDone(f"{state} is not JSON: correct or remove it; a removed file means gain {wish.most:g}") from None
    changes = known.get("changes", []) if isinstance(known, dict) else None
    if not isinstance(changes, list) or not all(
        isinstance(item, dict) and {"key", "at"} <= set(item) for item in changes
    ):
        raise NotDone(f'{state}: "changes" is no list of changes: correct or remove the file')
    return {"gain": _number(known.get("gain"), str(state)), "changes": changes}


def _change(gain: float, wish: Wish) -> dict[str, Any]:
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"at": at, "from": gain, "to": wish.applied(gain), "key": wish.key, **wish.reason}


def _append(path: Path, change: dict[str, Any]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(json.dumps(change) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _replace(path: Path, content: dict[str, Any]) -> None:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
        try:
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _by_http(options: argparse.Namespace, wish: Wish) -> dict[str, Any]:
    headers = {"Accept": "application/json"}
    if options.token_file:
        try:
            headers["Authorization"] = f"Bearer {Path(options.token_file).read_text(encoding='ascii').strip()}"
        except (OSError, ValueError):
            raise NotDone(f"--token-file {options.token_file} cannot be read") from None
    for _ in range(_TRIES):
        gain, tag = _asked(options.url, headers)
        wanted = wish.applied(gain)
        body = {"gain": wanted, "reason": wish.reason, "idempotency_key": wish.key}
        if _put(options.url, {**headers, "If-Match": tag, "Content-Type": "application/json"}, body):
            return {"changed": wanted != gain, "from": gain, "gain": wanted}
    raise NotDone(f"{options.url}: somebody else changed the gain each time: try again later")


def _asked(url: str, headers: dict[str, str]) -> tuple[float, str]:
    status, found, answer = _request("GET", url, headers, None)
    if status != 200:
        raise NotDone(f"{url}: GET was answered with {status}")
    tag = found.get("ETag", "")
    if not tag:
        raise NotDone(f"{url}: the answer has no ETag, so a change could undo somebody else's")
    try:
        body = json.loads(answer)
    except ValueError:
        raise NotDone(f"{url}: the answer is not JSON") from None
    return _number(body.get("gain") if isinstance(body, dict) else None, url), tag


def _put(url: str, headers: dict[str, str], body: dict[str, Any]) -> bool:
    """Return whether the service took the change; it refuses with 409 or 412 when the gain is another one by now."""
    status, _, _ = _request("PUT", url, headers, json.dumps(body).encode())
    if status in {409, 412}:
        return False
    if not 200 <= status < 300:
        raise NotDone(f"{url}: PUT was answered with {status}")
    return True


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token elsewhere, and turn a PUT into a GET."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _request(method: str, url: str, headers: dict[str, str], body: bytes | None) -> tuple[int, Any, bytes]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
    request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310 - the scheme was checked
    try:
        with opener.open(request, timeout=_TIMEOUT) as answer:
            return answer.status, answer.headers, answer.read(_ANSWER_LIMIT)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code, error.headers, b""
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise NotDone(f"{url}: {method} failed: {reason}") from None


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise NotDone(f'{where}: "gain" is no number')
    return float(value)


def _reason() -> dict[str, str]:
    names = {"rule": "RULE", "alert_key": "ALERT_KEY", "target": "TARGET", "workflow_id": "WORKFLOW_ID"}
    return {name: value for name, variable in names.items() if (value := _variable(variable))}


def _variable(name: str) -> str:
    return os.environ.get(f"LUMEN_{name}", "")  # noqa: TID251 - a program of its own: this is how Lumen calls it


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="apply_feedback_gain.py", description="Change a bounded gain once, and leave a trace.", allow_abbrev=False
    )
    parser.add_argument("--factor", type=_factor, default=1.0, help="multiply by this, above 0 and up to 2")
    parser.add_argument("--step", type=_step, default=0.0, help="then add this, from -1 to 1")
    parser.add_argument("--least", type=_bound, default=0.2, help="never below this (0.2)")
    parser.add_argument("--most", type=_bound, default=1.0, help="never above this (1)")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--state", default="var/feedback-gain.json", help="file that keeps the gain")
    where.add_argument("--url", type=_url, help="service that keeps the gain")
    parser.add_argument("--token-file", help="file with the bearer token for --url")
    return parser


def _ranged(text: str, least: float, most: float, *, open_below: bool = False) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= most or (open_below and value == least):
        raise argparse.ArgumentTypeError(f"want a number {'above' if open_below else 'from'} {least:g} to {most:g}")
    return value


def _factor(text: str) -> float:
    return _ranged(text, 0, 2, open_below=True)


def _step(text: str) -> float:
    return _ranged(text, -1, 1)


def _bound(text: str) -> float:
    return _ranged(text, 0, 1000)


def _url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError("want a URL that begins with http:// or https://")
    return text


if __name__ == "__main__":
    sys.exit(main())
