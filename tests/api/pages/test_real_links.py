"""Links against everything real: Temporal, ledger, worker and API, each its own process."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from lumen.links import Link, link_token, read_link
from tests.stack.calling import calls
from tests.stack.site import Site, running_site

OLD, NEW = "an-older-bridge-secret-of-the-tests", "the-newest-bridge-secret-of-the-tests"
KEYS = {"k2": NEW, "k1": OLD}
HOME = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A whole Lumen with two bridge keys; ``TwoSay`` wants two approvals, ``NamelessToo`` lets links without a name vote."""
    with running_site(
        tmp_path_factory.mktemp("links"), BRIDGE_SECRET=f"k2:{NEW},k1:{OLD}", PUBLIC_BASE_URL="http://lumen"
    ) as one:
        mark = {"name": "mark", "cmd": ["/bin/sh", "-c", 'echo done >> "$1"', "sh", str(one.out)]}
        one.rulebook.add("NamelessToo", actions=[mark], approval={"approve": 2, "anonymous": True})
        one.rulebook.add("OneSays", actions=[mark], cooldown=1)
        one.add_rule("TwoSay", actions=[mark], approval={"approve": 2, "reject": 1})
        yield one


@dataclass
class Asked:
    """An episode that asks, and what is needed to make links to it."""

    site: Site
    key: str
    link: Link

    def token(self, **changes: Any) -> str:
        """Return a token of a fresh link, under the newest key."""
        made = replace(self.link, jti=f"jti-{time.monotonic_ns()}", **changes)
        return link_token(made, KEYS)

    def votes(self) -> dict[str, list[str]]:
        """Return who counts on which side now."""
        votes = self.site.until(self.key, lambda _: True)["approval"]["votes"]
        return {side: [vote["actor"] for vote in cast] for side, cast in votes.items()}

    def post(self, token: str, decision: str = "approve", **more: Any) -> httpx.Response:
        """Decide as a program does."""
        body = {"token": token, "decision": decision, "reason": "tests"}
        return calls().post(f"{self.site.api_url}/decision", json=body, timeout=20, **more)

    def form(self, token: str, headers: dict[str, str]) -> httpx.Response:
        """Decide as a browser does."""
        fields = {"token": token, "decision": "approve"}
        return calls().post(f"{self.site.api_url}/decision", data=fields, headers=headers, timeout=20)

    def get(self, token: str, method: str = "GET") -> httpx.Response:
        """Look at the page."""
        return calls().request(method, f"{self.site.api_url}/decision", params={"token": token}, timeout=20)


def asking(site: Site, rule: str = "TwoSay") -> Asked:
    """Return an episode of a rule that asks now."""
    key = site.post_alert(rule, n=str(time.monotonic_ns()))
    document = site.until_state(key, "awaiting_approval")
    link = Link(
        key, document["approval"]["id"], document["plan"]["digest"], "alice@example.com", int(time.time()) + 900, "jti"
    )
    return Asked(site, key, link)


def test_two_people_decide_by_their_links(site: Site) -> None:
    """Two links of two people approve once, after which neither a new nor an old link does anything."""
    asked = asking(site)
    before = len(site.marks())
    alice, bob = asked.token(), asked.token(actor="bob@example.com")
    first = asked.post(alice)
    assert (first.status_code, first.json()["status"]) == (200, "pending")
    [vote] = first.json()["votes"]["approve"]
    assert (vote["actor"], vote["channel"], vote["rank"]) == ("alice@example.com", "link", "link")
    second = asked.form(bob, HOME)
    assert second.status_code == 200
    assert "The request is approved." in second.text
    assert site.until_outcome(asked.key)["outcome"] == "remediated"
    assert len(site.marks()) == before + 1
    for used_after_close in (alice, bob, asked.token(actor="carol@example.com")):
        answer = asked.post(used_after_close)
        assert (answer.status_code, answer.json()["type"]) == (410, "urn:lumen:problem:closed")
        assert asked.get(used_after_close).status_code == 410
    [decision] = [entry for entry in site.entries(asked.key) if entry["kind"] == "approval_quorum_decision"]
    voters = json.dumps(decision["parts"])
    assert "alice@example.com" in voters
    assert "bob@example.com" in voters
    for entry in site.entries(asked.key):
        assert alice not in json.dumps(entry)


def test_used_twice(site: Site) -> None:
    """The second use of a link is 409 `Link already used`, whatever it says, and changes nothing; a newer link does."""
    asked = asking(site)
    token = asked.token()
    assert asked.post(token).status_code == 200
    for decision in ("approve", "reject"):
        answer = asked.post(token, decision)
        assert (answer.status_code, answer.json()["detail"]) == (409, "Link already used")
    page = asked.form(token, HOME)
    assert (page.status_code, "Link already used" in page.text) == (409, True)
    assert asked.votes() == {"approve": ["alice@example.com"], "reject": []}
    changed = asked.post(asked.token(), "reject")
    assert (changed.status_code, changed.json()["status"]) == (200, "rejected")


def test_a_refused_vote_does_not_use_up_the_link(site: Site) -> None:
    """A link of somebody who may not decide is 403 each time, and never a vote."""
    asked = asking(site)
    token = asked.token(actor="eve@example.com")
    assert [asked.post(token).status_code for _ in range(2)] == [403, 403]
    assert asked.votes() == {"approve": [], "reject": []}


def test_nothing_but_a_good_link_votes(site: Site) -> None:
    """Altered at any position, padded, forged, expired, of another episode or plan, from another site: never a vote."""
    asked, other = asking(site), asking(site)
    good = asked.token()
    wrong: dict[str, int] = {}
    for index, char in enumerate(good):
        wrong |= {good[:index] + new + good[index + 1 :]: 403 for new in "Aa0-." if new != char}
        wrong[good[:index] + good[index + 1 :]] = 403
    wrong |= {good + tail: 403 for tail in ("=", "==", "A", " ", "\n")}
    wrong[link_token(asked.link, {"k2": "not the bridge secret of it"})] = 403
    wrong[link_token(asked.link, {"k3": NEW})] = 403
    wrong[asked.token(expires=int(time.time()) - 1)] = 410
    wrong[asked.token(approval_id=other.link.approval_id)] = 410
    wrong[asked.token(key=other.key)] = 410
    wrong[asked.token(key="alertmanager-0000000000000000")] = 410
    wrong[asked.token(digest="sha256:" + "0" * 64)] = 409
    with httpx.Client(base_url=site.api_url, timeout=20, trust_env=False) as client:
        for token, status in wrong.items():
            body = {"token": token, "decision": "approve", "reason": "tests"}
            assert client.post("/decision", json=body).status_code == status, token
    assert {asked.get(token).status_code for token in list(wrong)[::50]} <= {403, 410, 409}
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert asked.form(good, headers).status_code == 403
        assert asked.post(good, headers=headers).status_code == 403
    assert asked.votes() == other.votes() == {"approve": [], "reject": []}
    assert asked.form(good, HOME).status_code == 200


def test_a_prefetcher(site: Site) -> None:
    """A hundred GETs, HEAD and OPTIONS of a link leave no trace in the episode's history; after them the link still votes."""
    asked = asking(site, "OneSays")
    token = asked.token()

    def events() -> int:
        shown = site.temporal_cli("workflow", "show", "-w", f"alert-{asked.key}", "-o", "json").stdout
        return len(json.loads(shown)["events"])

    before = events()
    with httpx.Client(base_url=site.api_url, timeout=20, trust_env=False) as client:
        for _ in range(100):
            assert client.get("/decision", params={"token": token, "decision": "approve"}).status_code == 200
    assert asked.get(token, "HEAD").status_code == 200
    assert asked.get(token, "OPTIONS").status_code == 204
    assert events() == before
    assert asked.votes() == {"approve": [], "reject": []}
    assert asked.post(token).json()["status"] == "approved"


def test_a_link_of_attempt_1_does_nothing_in_attempt_2(site: Site) -> None:
    """When the episode asks again, links of the earlier request are closed, used or not; new ones count."""
    asked = asking(site, "OneSays")
    unused, used = asked.token(actor="bob@example.com"), asked.token()
    assert asked.post(used).status_code == 200
    site.until_outcome(asked.key)
    labels = site.status(asked.key)["labels"]
    name = labels.pop("alertname")
    site.post_alert(name, **labels)
    again = site.until(
        asked.key,
        lambda document: (
            document["state"] == "awaiting_approval" and document["approval"]["id"] != asked.link.approval_id
        ),
    )
    for old in (unused, used):
        assert asked.post(old).status_code == 410
        assert asked.get(old).status_code == 410
    assert asked.votes() == {"approve": [], "reject": []}
    fresh = asked.token(approval_id=again["approval"]["id"], digest=again["plan"]["digest"])
    assert asked.post(fresh).json()["status"] == "approved"


def test_a_rule_that_changed(site: Site) -> None:
    """A link to a plan that its rule would not make any more is 409, and nothing runs."""
    site.add_rule("Edited", actions=[{"name": "first", "cmd": ["/bin/true"]}])
    asked = asking(site, "Edited")
    site.add_rule("Edited", actions=[{"name": "second", "cmd": ["/bin/false"]}])
    answer = asked.post(asked.token())
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:lumen:problem:plan_changed")
    again = site.until(
        asked.key,
        lambda document: (
            document["state"] == "awaiting_approval" and document["approval"]["id"] != asked.link.approval_id
        ),
    )
    assert again["approval"]["votes"] == {"approve": [], "reject": []}
    assert asked.get(asked.token()).status_code == 410


def test_links_without_a_name(site: Site) -> None:
    """All votes without a name are one; where the rule does not allow them there is none."""
    asked = asking(site, "NamelessToo")
    tokens = [asked.token(actor="") for _ in range(5)]
    assert [asked.post(token).status_code for token in tokens] == [200] * 5
    assert asked.votes() == {"approve": ["anonymous"], "reject": []}
    assert asked.post(asked.token()).json()["status"] == "approved"
    strict = asking(site)
    refused = strict.post(strict.token(actor=""))
    assert refused.status_code == 403
    assert strict.votes() == {"approve": [], "reject": []}
    assert "sign in" in strict.get(strict.token(actor="")).text


def test_one_link_ten_times_at_once(site: Site) -> None:
    """Ten uses of one link at the same moment are one vote and nine times `Link already used`."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  # only this test needs it

    asked = asking(site)
    token = asked.token()
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: asked.post(token), range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
    assert asked.votes() == {"approve": ["alice@example.com"], "reject": []}


def test_lumen_link(site: Site) -> None:
    """`lumen link` prints one line that opens the page and votes; under a key of before a rotation it counts too."""
    asked = asking(site)
    done = site.lumen("link", asked.key, "--actor", "Alice@example.com", "--ttl", "2h")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("http://lumen/decision?token=v1.k2.")
    assert done.stdout.count("\n") == 1
    [token] = parse_qs(urlsplit(done.stdout.strip()).query)["token"]
    found = read_link(token, KEYS)
    assert (found.key, found.approval_id, found.actor) == (asked.key, asked.link.approval_id, "alice@example.com")
    assert 7100 < found.expires - time.time() <= 7200
    page = asked.get(token)
    assert page.status_code == 200
    assert "You decide as alice@example.com." in page.text
    assert asked.post(token).status_code == 200
    older = link_token(replace(asked.link, actor="bob@example.com", jti="older"), {"k1": OLD})
    assert asked.post(older).json()["status"] == "approved"


def test_no_link_in_what_temporal_keeps(site: Site) -> None:
    """What Temporal stores of a vote by link is the mark of its use, never the link itself."""
    asked = asking(site)
    token = asked.token()
    assert asked.post(token).status_code == 200
    history = site.temporal_cli("workflow", "show", "-w", f"alert-{asked.key}", "-o", "json").stdout
    assert token not in history
    assert token.rsplit(".", 1)[1] not in history
    for log in (site.api.log, site.worker.log, site.proofd.log):
        assert token not in log
        assert token.rsplit(".", 1)[1] not in log
    with closing(sqlite3.connect(f"file:{site.folder}/proof.db?mode=ro", uri=True)) as ledger:
        dump = "\n".join(ledger.iterdump())
    assert token.rsplit(".", 1)[1] not in dump


def test_a_vote_while_no_worker_answers(site: Site) -> None:
    """Without a worker the vote is 202 and counted once when one is back; the link was used by it."""
    asked = asking(site)
    token = asked.token()
    site.worker.pause()
    try:
        page = asked.get(token)
        answer = asked.post(token)
    finally:
        site.worker.resume()
    assert page.status_code == 200
    assert answer.status_code == 202
    site.until(asked.key, lambda document: len(document["approval"]["votes"]["approve"]) == 1)
    assert asked.post(token).status_code == 409
    assert asked.votes() == {"approve": ["alice@example.com"], "reject": []}
