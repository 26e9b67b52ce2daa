"""No secret stands anywhere but where it must: a whole Lumen is driven, made to fail, and then searched."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import secrets
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from cli.fakeslack import FakeSlack
from tests.acceptance.leaks.forms import forms_of, leaks
from tests.acceptance.leaks.house import PERSON, build_site, echoing, make_secrets
from tests.stack.calling import calls
from tests.stack.site import PATIENCE, ShippedSite, Site

CANARY = f"canary-{secrets.token_hex(8)}"
"""A label of an alert: it must be found where secrets are looked for, or the search sees nothing."""


class Drive:
    """Does with a site what people and programs do, and keeps everything that it says."""

    def __init__(self, site: Site, known: dict[str, str]) -> None:
        self.site, self.known = site, known
        self.said: dict[str, bytes] = {}

    def http(self, method: str, url: str, token: str = "", **content: Any) -> httpx.Response:
        """Send a request and keep the answer, its headers too."""
        headers = {"Authorization": f"Bearer {self.known[token]}"} if token else {}
        headers |= content.pop("headers", {})
        answer = calls().request(method, url, headers=headers, timeout=60, **content)
        told = f"{answer.headers}".encode() + answer.content
        self.said[f"the answer to {method} {url.partition('?')[0]} number {len(self.said)}"] = told
        return answer

    def lumen(self, *arguments: str) -> str:
        """Run a command of ``lumen`` and keep what it prints."""
        done = self.site.lumen(*arguments)
        self.said[f"lumen {arguments[0]} {arguments[1] if len(arguments) > 1 else ''} number {len(self.said)}"] = (
            done.stdout + done.stderr
        ).encode()
        return done.stdout

    def alert(self, name: str) -> str:
        """Send an alert and return its key."""
        body = {"labels": {"alertname": name, "mark": CANARY, "severity": "critical"}}
        answer = self.http("POST", f"{self.site.api_url}/alert", "LUMEN_WEBHOOK_TOKEN", json=body)
        key: str = answer.json()["key"]
        return key

    def until(self, key: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until an episode is as wanted."""
        headers = {"Authorization": f"Bearer {self.known['LUMEN_API_TOKEN']}"}
        deadline = time.monotonic() + PATIENCE
        document: dict[str, Any] = {}
        while time.monotonic() < deadline:
            answer = calls().get(f"{self.site.api_url}/alerts/{key}", headers=headers, timeout=60)
            document = answer.json()
            if answer.status_code == 200 and not document.get("stale") and wanted(document):
                return document
            time.sleep(0.1)
        raise AssertionError(f"{key} stands at {document.get('state')}, {document.get('state_reason')}")

    def look_at_command_lines(self) -> None:
        """Keep what every process of this machine shows of how it was started."""
        for place in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                self.said[f"{place}, look {len(self.said)}"] = place.read_bytes()


def sign_in_and_vote(drive: Drive, key: str) -> None:
    """Sign in with the token of a person, and vote on the console."""
    site, known = drive.site, drive.known
    browser = {"Sec-Fetch-Site": "same-origin", "Origin": site.api_url}
    typed = {"token": known["a token of LUMEN_TOKENS_FILE"]}
    wrong = {"token": known["a token of LUMEN_TOKENS_FILE"] + "x"}
    assert drive.http("POST", f"{site.api_url}/sign-in", data=wrong, headers=browser).status_code == 401
    answer = calls().post(f"{site.api_url}/sign-in", data=typed, headers=browser, timeout=60)
    assert answer.status_code == 303, answer.text
    cookie = answer.headers["set-cookie"].partition(";")[0]
    known["the cookie of a session"] = cookie.partition("=")[2]
    page = drive.http("GET", f"{site.api_url}/episodes/{key}", headers={"Cookie": cookie}).text
    fields = dict(re.findall(r'name="(form_token|once|approval_id|digest)" value="([^"]*)"', page))
    vote = {**fields, "decision": "approve", "reason": "seen"}
    said = drive.http(
        "POST", f"{site.api_url}/episodes/{key}/vote", data=vote, headers={**browser, "Cookie": cookie}
    ).headers["location"]
    assert said.endswith("said=voted"), said
    for path in ("/", "/episodes", "/guards", "/sign-in"):
        drive.http("GET", site.api_url + path, headers={"Cookie": cookie})
    proxy = {"X-Forwarded-Email": PERSON, "X-Lumen-Proxy-Secret": known["LUMEN_FORWARD_AUTH_SECRET"]}
    assert drive.http("GET", f"{site.api_url}/", headers=proxy).status_code == 200
    assert drive.http("GET", f"{site.api_url}/", headers={**proxy, "X-Lumen-Proxy-Secret": "x" * 20}).status_code == 401


def vote_by_link(drive: Drive, key: str) -> None:
    """Vote by a link, twice, and by a changed one."""
    site = drive.site
    link = site.lumen("link", key, "--actor", "bob@example.com").stdout.strip()
    sealed = link.rpartition("token=")[2]
    drive.known["the token of a link"] = sealed
    assert drive.http("GET", f"{site.api_url}/decision", headers={"Accept": "text/html"}).status_code == 403
    # The page holds the token in its form, and nothing keeps the page.
    assert calls().get(f"{site.api_url}/decision?token={sealed}", timeout=60).status_code == 200
    for token, status in ((sealed[:-1], 403), (sealed, 200), (sealed, 409)):
        body = {"token": token, "decision": "approve", "reason": "seen"}
        assert drive.http("POST", f"{site.api_url}/decision", json=body).status_code in {status, 410}


def send_wrong_things(drive: Drive) -> None:
    """Put secrets where they do not belong, and break what can be broken."""
    site, known = drive.site, drive.known
    for name in ("LUMEN_API_TOKEN", "LUMEN_WEBHOOK_TOKEN", "PROOFD_TOKEN"):
        for url in (site.api_url, site.proofd_url):
            for path in ("/alerts", "/alerts/nothing-here", "/nowhere", "/entries/999999"):
                drive.http("GET", url + path, name)
            drive.http("GET", f"{url}/alerts?limit={known[name]}", name)
        drive.http("POST", f"{site.api_url}/webhook", name, content=b"{")
        drive.http("POST", f"{site.proofd_url}/append", name, content=b"{")
    body = {"command": "restart-exporter", "args": {}}
    drive.http("POST", f"{site.api_url}/commands", "a token of LUMEN_TOKENS_FILE", json=body)
    drive.http("POST", f"{site.api_url}/slack/interaction", content=b"payload=%7B%7D")


def look_around(drive: Drive, keys: Iterable[str]) -> None:
    """Ask everything that tells anything."""
    site = drive.site
    for address in (site.api_url, site.proofd_url, f"http://{site.env['LUMEN_WORKER_ADDR']}"):
        for path in ("/metrics", "/healthz", "/readyz", "/head", "/checkpoint"):
            drive.http("GET", address + path)
    for key in keys:
        drive.lumen("alert", "show", key)
        drive.lumen("alert", "show", key, "--json")
        drive.http("GET", f"{site.api_url}/alerts/{key}", "LUMEN_API_TOKEN")
    for command in (
        ["doctor"],
        ["doctor", "--json"],
        ["reconcile"],
        ["alert", "list"],
        ["proof", "verify"],
        ["proof", "head"],
    ):
        drive.lumen(*command)
    drive.lumen("proof", "export", str(site.folder / "export"))
    drive.lumen("snapshot", "--help")
    for number in range(site.ledger_head()["height"]):
        drive.http("GET", f"{site.proofd_url}/entries/{number}", "PROOFD_TOKEN")


def drive_everything(site: Site, known: dict[str, str]) -> dict[str, bytes]:
    """Drive a running site through work and trouble; return everything that it said."""
    drive = Drive(site, known)
    asked = drive.alert("LeakAsk")
    drive.until(asked, lambda document: document["state"] == "awaiting_approval")
    drive.look_at_command_lines()
    sign_in_and_vote(drive, asked)
    vote_by_link(drive, asked)
    keys = [asked, *(drive.alert(name) for name in ("LeakCommand", "LeakBus", "LeakKube", "LeakWhen"))]
    drive.look_at_command_lines()
    for key in keys[:4]:
        drive.until(key, lambda document: bool(document["attempts"]))
    drive.until(keys[4], lambda document: document["state"] == "blocked")
    send_wrong_things(drive)
    site.proofd.kill()
    waits = drive.alert("LeakCommand")
    drive.lumen("doctor")
    drive.lumen("proof", "verify")
    drive.http("GET", f"{site.api_url}/alerts/{waits}", "LUMEN_API_TOKEN")
    site.start_proofd()
    look_around(drive, keys)
    site.worker.kill(15)
    drive.http("GET", f"{site.api_url}/alerts/{asked}", "LUMEN_API_TOKEN")
    drive.look_at_command_lines()
    return drive.said


def files_of(folder: Path) -> dict[str, bytes]:
    """Return every file that was written, but for those in which the secrets themselves are kept."""
    kept = folder / "secrets"
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and kept not in path.parents
    }


def test_the_search_finds_each_form() -> None:
    """A secret is found plain, encoded for a URL, in JSON, in hex, and in base64 wherever it begins."""
    for secret in make_secrets().values():
        for before in (b"", b"a", b"ab", b"user:"):
            coded = base64.b64encode(before + secret.encode() + b"tail")
            assert leaks({"it": secret}, {"there": coded}), before
        for text in (secret, quote(secret, safe=""), secret.encode().hex()):
            assert leaks({"it": secret}, {"there": b"x" + text.encode() + b"y"})
        assert leaks({"it": secret}, {"there": secret[:-1].encode()}) == []
        assert all(len(form) >= 12 for form in forms_of(secret).values())


@pytest.mark.long
async def test_no_secret_is_anywhere(tmp_path: Path) -> None:
    """After work and trouble, no secret stands in a log, a database, an export, an answer, a page, a message, a command line.

    It is looked for plain, percent-encoded, in hex and in base64. What must be found, a label of the alerts, is found.
    """
    known = make_secrets()
    slack = FakeSlack(
        bot_token=known["SLACK_BOT_TOKEN"],
        app_token=known["SLACK_APP_TOKEN"],
        signing_secret=known["SLACK_SIGNING_SECRET"],
    )
    async with slack:
        slack.add_channel("ops")
        slack.add_user("alice", PERSON)
        with echoing() as echo:
            site = build_site(tmp_path, known, slack, echo)
            try:
                await asyncio.to_thread(site.start)
                said = await asyncio.to_thread(drive_everything, site, known)
            finally:
                await asyncio.to_thread(site.stop)
        shown = repr([(one.text, one.versions) for one in slack.state.messages]).encode()
    files = files_of(tmp_path)
    places = {**said, **files, "messages in Slack": shown}
    for place, wanted in (("temporal.db", CANARY), ("proof.db", CANARY), ("messages in Slack", "LeakAsk")):
        stored = b"".join(content for name, content in places.items() if name.startswith(place))
        assert wanted.encode() in stored, f"nothing is seen in {place}"
    assert any(name.startswith("export/") for name in files)
    assert {"api.log", "worker.log", "proofd.log", "temporal.log"} <= set(files)
    assert "\n".join(leaks(known, places)) == ""


@pytest.mark.parametrize("name", ["proofd"])
def test_a_password_of_a_database_is_not_told(name: str, tmp_path: Path) -> None:
    """proofd that cannot reach its database, or cannot read its address, says so without the password."""
    known = make_secrets()
    password = known["the password of PROOF_DSN"]
    site = ShippedSite(tmp_path)
    for address in (
        f"postgresql://lumen:{forms_of(password)['percent-encoded'].decode()}@127.0.0.1:1/lumen",
        f"postgresql://lumen:{forms_of(password)['percent-encoded'].decode()}@127.0.0.1:notaport/lumen",
        f"mysql://lumen:{password}@127.0.0.1/lumen",
    ):
        site.env["PROOF_DSN"] = address
        done = site.lumen(name)
        assert done.returncode != 0
        assert done.stderr
        assert leaks({"it": password}, {"its output": (done.stdout + done.stderr).encode()}) == []
