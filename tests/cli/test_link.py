from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from cli import datadir
from lumen.links import read_link
from tests.cli.conftest import FakeService, Lumen

KEY = "alertmanager-0aa043e5d176c819"
SECRET = "a-bridge-secret-of-the-tests"
ASKING: dict[str, Any] = {
    "key": KEY,
    "state": "awaiting_approval",
    "plan": {"digest": "sha256:shown"},
    "approval": {"id": "run.1.1", "allow": ["alice@example.com"], "min_rank": "link", "anonymous": False},
}


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the command the key of the API."""
    monkeypatch.setenv("BRIDGE_SECRET", f"k2:{SECRET},k1:an-older-secret-of-the-tests")


def asking(**changes: Any) -> dict[str, Any]:
    """Return the document of an episode that asks."""
    return ASKING | {"approval": ASKING["approval"] | changes}


@pytest.mark.usefixtures("secret")
def test_one_raw_line(api: FakeService, lumen: Lumen, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line that can be pasted: the public address, and a token that is bound to what is asked and to the person."""
    api.answer(200, ASKING)
    monkeypatch.setenv("PUBLIC_BASE_URL", "https://lumen.example")
    ran = lumen("link", KEY, "--actor", "Alice@Example.com")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("https://lumen.example/decision?token=v1.k2.")
    assert ran.out.endswith("\n")
    assert ran.out.count("\n") == 1
    [token] = parse_qs(urlsplit(ran.out.strip()).query)["token"]
    link = read_link(token, {"k2": SECRET})
    assert (link.key, link.approval_id, link.digest, link.actor) == (
        KEY,
        "run.1.1",
        "sha256:shown",
        "alice@example.com",
    )
    assert 880 < link.expires - time.time() <= 900
    assert [asked.method for asked in api.asked] == ["GET"]
    again = lumen("link", KEY, "--actor", "alice@example.com").out
    assert read_link(parse_qs(urlsplit(again.strip()).query)["token"][0], {"k2": SECRET}).jti != link.jti


@pytest.mark.usefixtures("secret")
@pytest.mark.parametrize(("ttl", "seconds"), [("60", 60), ("15m", 900), ("1h30m", 5400), ("30d", 2592000)])
def test_how_long_it_counts(api: FakeService, lumen: Lumen, ttl: str, seconds: int) -> None:
    """--ttl takes seconds and units; --json tells when the link ends."""
    api.answer(200, ASKING)
    ran = lumen("link", KEY, "--actor", "alice@example.com", "--ttl", ttl, "--json")
    assert seconds - 20 < ran.document["expires"] - time.time() <= seconds
    assert ran.document["actor"] == "alice@example.com"


@pytest.mark.usefixtures("secret")
@pytest.mark.parametrize(
    "arguments",
    [
        ["--ttl", "0"],
        ["--ttl", "soon"],
        ["--ttl", "31d"],
        ["--ttl", "-5"],
        ["--actor", "a b"],
        ["--actor", "anonymous"],
    ],
)
def test_usage(api: FakeService, lumen: Lumen, arguments: list[str]) -> None:
    """A time or a person that is none is said in one line, with exit code 2 and no link."""
    api.answer(200, ASKING)
    ran = lumen("link", KEY, *arguments)
    assert (ran.code, ran.out) == (2, "")


@pytest.mark.usefixtures("secret")
@pytest.mark.parametrize(
    ("document", "says"),
    [
        (asking(allow=["bob@example.com", "carol@example.com"]), "bob@example.com, carol@example.com"),
        (asking(allow=[]), "none who may"),
        (ASKING | {"state": "executing", "approval": None}, "its state is executing"),
        (ASKING | {"state": "cooling"}, "its state is cooling"),
        (ASKING | {"state": "awaiting_approval", "stale": True}, "no worker answers"),
    ],
)
def test_no_link_that_could_not_decide(api: FakeService, lumen: Lumen, document: dict[str, Any], says: str) -> None:
    """Nothing asked, nobody to read it, a person who may not decide: no link, one line that says why, exit code 1."""
    api.answer(200, document)
    ran = lumen("link", KEY, "--actor", "alice@example.com")
    assert (ran.code, ran.out) == (1, "")
    assert says in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.usefixtures("secret")
def test_what_else_the_holder_needs(api: FakeService, lumen: Lumen) -> None:
    """A link without a name, and one that is too weak alone, are printed, with a remark beside them."""
    api.answer(200, ASKING)
    ran = lumen("link", KEY)
    assert (ran.code, "has to sign in" in ran.err) == (0, True)
    api.answer(200, asking(anonymous=True))
    assert lumen("link", KEY).err == ""
    api.answer(200, asking(min_rank="slack"))
    assert "wants the rank slack" in lumen("link", KEY, "--actor", "alice@example.com").err


def test_without_the_key(api: FakeService, lumen: Lumen) -> None:
    """Without BRIDGE_SECRET the command says which variable it wants."""
    api.answer(200, ASKING)
    ran = lumen("link", KEY, "--actor", "alice@example.com")
    assert (ran.code, "BRIDGE_SECRET" in ran.err) == (2, True)


def test_embedded(service: FakeService, lumen: Lumen, clean_place: Path) -> None:
    """Beside `lumen up` key, token and addresses come from its data directory, and no secret is printed."""
    folder = clean_place / "var"
    folder.mkdir()
    secrets = datadir.ensure_secrets(folder)
    address = service.url.removeprefix("http://")
    datadir.write_endpoints(folder, {"LUMEN_API_ADDR": address, "PUBLIC_BASE_URL": "http://10.0.0.5:8080"})
    service.answer(200, ASKING)
    ran = lumen("link", KEY, "--actor", "alice@example.com")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("http://10.0.0.5:8080/decision?token=v1.k1.")
    assert service.asked[0].token == f"Bearer {secrets['LUMEN_API_TOKEN']}"
    assert secrets["BRIDGE_SECRET"].partition(":")[2] not in json.dumps([ran.out, ran.err])
