"""Hostile input on a running installation: what is odd but readable does its job, what is not starts nothing."""

from __future__ import annotations

import base64
import json
import shlex
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.stack.calling import calls
from tests.stack.site import API_TOKEN, PROOFD_TOKEN, WEBHOOK_TOKEN, Site, running_site

GOOD = {"labels": {"alertname": "Hostile", "team": "hostile"}, "status": "firing"}
FAR_FUTURE = "9999-12-31T23:59:59.999999999Z"
ANSI = "\x1b[2J\x1b]0;owned\x07\x1b[31mred\x9b1m"

LABELS = {
    "shell metacharacters": "a;b|c&&d>e<f `id` ${HOME} 'q' \"d\" * ? ~ \\ # !!",
    "command substitution": "$(touch x)",
    "backticks": "`touch x`",
    "an option": "--help",
    "newlines": "one\ntwo\r\nthree\u2028four",
    "ANSI escapes": ANSI,
    "a mention": "<!channel> <@U012AB3CD> @here",
    "markup": "<script>alert(1)</script> [link](http://127.0.0.1/) ![](x) </td>",
    "a placeholder": "{labels.alertname} {{ $value }} %s %n ${x}",
    "directions": "abc\u202etxt.exe\u200b\ufeff",
    "wide": "漢字 😀 ünïcødé",
    "256 characters": "v" * 256,
    "4000 characters": "é" * 2000,
}

STARTS = ["", "garbage", "yesterday", FAR_FUTURE, "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "1e999", "-1"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One installation for all tests of this file, with one rule that hands labels to a command."""
    with running_site(tmp_path_factory.mktemp("site")) as one:
        script = 'out=$1; shift; printf "%s\\0" "$@" >> "$out"; printf "\\n--\\n" >> "$out"'
        cmd = ["/bin/sh", "-c", script, "sh", str(one.out), "{labels.alertname}", "{labels.value}"]
        one.rulebook.rules["hostile"] = {
            "name": "hostile",
            "match": ['team="hostile"'],
            "mode": "auto",
            "dry_run": False,
            "params": {"labels.alertname": "(?s).*", "labels.value": "(?s).*"},
            "actions": [{"name": "write", "cmd": cmd}],
        }
        one.add_rule("HostileVotes", actions=[{"name": "nothing", "cmd": ["/bin/true"]}])
        yield one


def hostile(value: str, **labels: str) -> dict[str, Any]:
    """Return one alert for the rule of this file."""
    return {"labels": {"alertname": "Hostile", "team": "hostile", "value": value, **labels}, "status": "firing"}


def accept(site: Site, alert: dict[str, Any]) -> str:
    """Post one alert to the webhook and return the key of the episode that it started."""
    answer = site.webhook([alert])
    assert answer.status_code == 202, answer.text
    [entry] = answer.json()["alerts"]
    assert (entry["result"], entry["rule"]) == ("started", "hostile"), entry
    key: str = entry["key"]
    return key


def attributes(site: Site, key: str) -> dict[str, str]:
    """Return an episode's search attributes as Temporal has them."""
    found = site.temporal_cli("workflow", "describe", "-w", f"alert-{key}", "--raw", "-o", "json").stdout
    fields = json.loads(found)["workflowExecutionInfo"]["searchAttributes"]["indexedFields"]
    return {name: json.loads(base64.b64decode(field["data"])) for name, field in fields.items()}


def written(site: Site) -> list[list[str]]:
    """Return the arguments that the commands of the rule were started with."""
    text = site.out.read_bytes().decode() if site.out.exists() else ""
    return [run.split("\0")[:-1] for run in text.split("\n--\n")[:-1]]


def episodes(site: Site) -> int:
    """Return how many workflows of any type Temporal knows."""
    found = site.temporal_cli("workflow", "count", "-o", "json").stdout
    return int(json.loads(found).get("count", 0))


def raw_controls(text: str) -> set[str]:
    """Return the characters of ``text`` that a terminal might obey, other than the ends of lines."""
    return {char for char in text if char != "\n" and unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}


def no_file_came_from_a_label(site: Site) -> bool:
    """Return whether nothing was created by a label that was taken for a command."""
    here = [Path.cwd() / "x", site.folder / "x"]
    return not any(path.exists() for path in [*here, *site.folder.rglob("x")])


@pytest.mark.parametrize("value", LABELS.values(), ids=LABELS.keys())
def test_any_label_value_is_accepted_and_is_one_argument(site: Site, value: str) -> None:
    """Whatever a label holds: one episode, its search attributes, one run of the command with the label as one argument."""
    before = len(written(site))
    key = accept(site, hostile(value, severity=value))
    done = site.until_outcome(key)
    assert done["outcome"] == "remediated", done["attempts"]
    assert done["labels"]["value"] == value
    assert written(site)[before:] == [["Hostile", value]]
    shown = attributes(site, key)
    assert (shown["LumenRule"], shown["LumenAlert"], shown["LumenOutcome"]) == ("hostile", "Hostile", "remediated")
    assert shown["LumenSeverity"]
    assert len(shown["LumenSeverity"].encode()) <= 255
    assert no_file_came_from_a_label(site)


@pytest.mark.parametrize("name", ["a" * 300, "$(touch x)", f"Esc{ANSI}", "Line\nbreak", "<!channel>", "漢字"])
def test_any_alert_name_is_accepted(site: Site, name: str) -> None:
    """Alert names of any length and script make an episode that can be found, listed and shown."""
    key = accept(site, hostile("plain", alertname=name))
    assert site.until_outcome(key)["outcome"] == "remediated"
    shown = attributes(site, key)["LumenAlert"]
    assert shown == name if len(name) < 255 else name.startswith(shown.removesuffix("…"))
    assert no_file_came_from_a_label(site)


def test_annotations_of_64_kilobytes(site: Site) -> None:
    """Annotations of 64 KB, with everything nasty in them, come back whole and end in an outcome."""
    nasty = "".join(LABELS.values())
    annotations = {"description": nasty + "d" * 65536, "summary": ANSI, "ünï": "<!channel>", "": "no name"}
    key = accept(site, hostile("long") | {"annotations": annotations})
    done = site.until_outcome(key)
    assert done["outcome"] == "remediated"
    assert done["annotations"] == annotations
    kept = site.request("GET", f"/get?key={key}").json()
    assert kept["annotations"] == annotations


def test_label_names_of_any_script(site: Site) -> None:
    """Label names of UTF-8, with spaces, quotes and control characters, are kept as they are."""
    odd = ("größe", "名前", "a b", "x\"'`;$(touch x)", "new\nline", "LD_PRELOAD", "😀")
    names = {name: f"/value/{number}" for number, name in enumerate(odd)}
    key = accept(site, hostile("names", **names))
    done = site.until_outcome(key)
    assert done["outcome"] == "remediated"
    assert names.items() <= done["labels"].items()
    assert no_file_came_from_a_label(site)


@pytest.mark.parametrize("starts_at", STARTS)
def test_any_start_is_data(site: Site, starts_at: str) -> None:
    """Whatever ``startsAt`` says, the alert runs through, and so do its resolve and its next firing."""
    alert = hostile("start", case=starts_at or "none") | {"startsAt": starts_at}
    key = accept(site, alert)
    assert site.until_outcome(key)["outcome"] == "remediated"
    resolved = site.webhook([{**alert, "status": "resolved", "endsAt": starts_at}])
    assert resolved.json()["alerts"][0]["result"] == "resolved"
    site.until(key, lambda status: status["status"] == "resolved")
    assert site.webhook([alert]).json()["alerts"][0]["result"] == "updated"
    # The query answers only while no task of the workflow fails.
    assert site.until(key, lambda status: bool(status["repeats"]))["starts_at"] == starts_at


def test_a_terminal_obeys_nothing(site: Site) -> None:
    """`lumen alert list` and `show` print every control character of a hostile alert as visible text."""
    everything = "".join(LABELS[name] for name in ("ANSI escapes", "newlines", "directions"))
    annotations = {"summary": everything, f"name{ANSI}": "x"}
    alert = hostile(everything, alertname=f"Term{ANSI}", severity=ANSI, **{f"label{ANSI}": "x"})
    key = accept(site, alert | {"annotations": annotations, "startsAt": ANSI})
    site.until_outcome(key)
    for command in (("alert", "show", key), ("alert", "list", "--limit", "500"), ("alert", "show", key, "--json")):
        told = site.lumen(*command)
        assert told.returncode == 0, told.stderr
        assert key in told.stdout
        assert raw_controls(told.stdout + told.stderr) == set()


BAD = {
    "empty": b"",
    "truncated": json.dumps({"alerts": [GOOD]}).encode()[:-3],
    "not JSON": b"alerts=1",
    "alerts a string": b'{"alerts":"x"}',
    "an array": json.dumps([GOOD]).encode(),
    "a label that is a number": b'{"alerts":[{"labels":{"alertname":"Hostile","team":"hostile","n":1}}]}',
    "labels that are an array": b'{"alerts":[{"labels":["alertname","Hostile"]}]}',
    "no alert": b'{"alerts":[]}',
    "no acceptable alert": b'{"alerts":[{"labels":{"team":"hostile"}},{"labels":{}},7]}',
    "NUL": b'{"alerts":[{"labels":{"alertname":"Hostile","team":"hostile","v":"a\\u0000b"}}]}',
    "a raw NUL": b'{"alerts":[{"labels":{"alertname":"Hostile","team":"hostile","v":"a\x00b"}}]}',
    "half a surrogate pair": b'{"alerts":[{"labels":{"alertname":"Hostile","team":"hostile","v":"\\ud800"}}]}',
    "no UTF-8": b'{"alerts":[{"labels":{"alertname":"Hostile","team":"hostile","v":"\xff\xfe"}}]}',
    "nested deeply": b"[" * 100_000,
}


def post(site: Site, body: bytes, path: str = "/webhook", **headers: str) -> httpx.Response:
    """Post raw bytes to the API with the webhook's token."""
    every = {"Authorization": f"Bearer {WEBHOOK_TOKEN}", "Content-Type": "application/json", **headers}
    return calls().post(site.api_url + path, content=body, headers=every, timeout=60)


@pytest.mark.parametrize("path", ["/webhook", "/webhooks/alertmanager/", "/webhooks/grafana"])
@pytest.mark.parametrize("body", BAD.values(), ids=BAD.keys())
def test_what_cannot_be_read_is_a_4xx(site: Site, path: str, body: bytes) -> None:
    """A body that cannot be read is a 400 with a reason."""
    answer = post(site, body, path)
    assert answer.status_code == 400, answer.text
    assert answer.json()["detail"]


def test_bad_input_starts_nothing(site: Site) -> None:
    """After bad bodies, 20 MB, wrong tokens and wrong methods, Temporal knows as many workflows as before."""
    good = json.dumps({"alerts": [hostile("never")]}).encode()
    before = settled(site)
    for body in BAD.values():
        assert 400 <= post(site, body).status_code < 500
        assert 400 <= post(site, body, "/alert").status_code < 500
    assert too_large(site) == 413
    basic = base64.b64encode(b"any:wrong").decode()
    for wrong in (
        "",
        "Bearer",
        "Bearer wrong",
        f"Bearer {WEBHOOK_TOKEN}x",
        f"Basic {basic}",
        f"Digest {WEBHOOK_TOKEN}",
    ):
        assert post(site, good, Authorization=wrong).status_code == 401
    assert calls().post(f"{site.api_url}/webhook", content=good).status_code == 401
    in_the_url = f"{site.api_url}/webhook?token={WEBHOOK_TOKEN}"
    assert calls().post(in_the_url, content=good).status_code == 401
    headers = {"Authorization": f"Bearer {WEBHOOK_TOKEN}"}
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"):
        for path in ("/webhook", "/webhook/", "/webhooks/alertmanager", "/webhooks/grafana/"):
            answer = calls().request(method, site.api_url + path, content=good, headers=headers)
            assert answer.status_code == 405, (method, path)
    assert settled(site) == before + 1  # the marker


def settled(site: Site) -> int:
    """Count when the count, which is a moment late, has caught up: an episode that is started last is in it."""
    key = accept(site, hostile("marker", number=str(episodes(site))))
    site.until_outcome(key)
    query = f'WorkflowId="alert-{key}"'
    for _ in range(200):
        if json.loads(site.temporal_cli("workflow", "count", "-q", query, "-o", "json").stdout).get("count") == "1":
            return episodes(site)
    raise AssertionError("the marker never became visible")


def too_large(site: Site) -> int:
    """Post 20 MB and return the status; the server may hang up before it has read everything."""
    body = json.dumps({"alerts": [hostile("x" * 20_000_000)]}).encode()
    with httpx.Client(trust_env=False, timeout=60) as http:
        headers = {"Authorization": f"Bearer {WEBHOOK_TOKEN}"}
        return http.post(f"{site.api_url}/webhook", content=body, headers=headers).status_code


def test_no_log_holds_a_token(site: Site) -> None:
    """Whatever was sent, well or badly, by header or by mistake in the URL: no process logs a token or a secret."""
    good = json.dumps({"alerts": [hostile("logged")]}).encode()
    basic = base64.b64encode(f"user:{WEBHOOK_TOKEN}".encode()).decode()
    assert post(site, good, Authorization=f"Basic {basic}").status_code == 202
    for token in (WEBHOOK_TOKEN, API_TOKEN, PROOFD_TOKEN):
        for url in (site.api_url, site.proofd_url):
            calls().post(f"{url}/webhook?token={token}", content=good)
            calls().get(f"{url}/{token}", headers={"Authorization": f"Bearer {token}"})
            calls().get(f"{url}/alerts?after={token}", headers={"Authorization": f"Bearer {token}"})
            calls().post(f"{url}/append", headers={"Authorization": f"Bearer {token}"}, content=b"{")
    key = site.post_alert("HostileVotes", severity="warning")
    site.until_state(key, "awaiting_approval")
    assert site.vote(key, "alice@example.com").is_success
    site.until_outcome(key)
    assert site.lumen("alert", "send", "HostileVotes", "-l", "way=cli").returncode == 0
    logs = {path.name: path.read_text(errors="replace") for path in site.folder.rglob("*.log")}
    assert {"api.log", "worker.log", "proofd.log", "temporal.log"} <= logs.keys()
    assert logs["api.log"]
    secrets = [WEBHOOK_TOKEN, API_TOKEN, PROOFD_TOKEN, "a-secret-of-the-tests", basic]
    assert [(name, secret) for name, log in logs.items() for secret in secrets if secret in log] == []


def test_a_command_line_of_labels_can_be_pasted(site: Site) -> None:
    """The action as it is shown to people, pasted into a shell, is the argv that ran: quoting hides nothing."""
    value = LABELS["shell metacharacters"]
    key = accept(site, hostile(value, case="pasted"))
    [action] = site.until_outcome(key)["plan"]["actions"]
    assert shlex.split(action["shown"]) == action["spec"]["argv"]
    assert action["spec"]["argv"][-1] == value
