"""What the forms of the console do, and what they refuse."""

from __future__ import annotations

import pytest

from api.errors import EpisodeClosedError, NoWorkerError
from api.pages.framing import SAID
from lumen.errors import BallotError
from lumen.wording import LANGUAGES, Wording
from tests.api.console.samples import console, fields_of, token_may_vote
from tests.api.fakes import ALICE_TOKEN, BOB_TOKEN, READ_TOKEN
from tests.api.pages.samples import BROWSER, FOREIGN, KEY

PATH = f"/episodes/{KEY}"


async def test_a_vote_is_bound_to_what_the_form_showed() -> None:
    """The vote names request and digest of the page, its channel and the visitor's rank; the answer leads back."""
    here = console(change=token_may_vote)
    async with here.visited() as browser:
        fields = await fields_of(browser, PATH)
        data = {**fields, "decision": "approve", "reason": " looks fine "}
        answer = await browser.post(f"{PATH}/vote", data=data, headers=BROWSER)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{PATH}?said=voted")
        [(key, ballot)] = here.stage.episodes.voted
        assert (key, ballot.actor, ballot.channel, ballot.rank) == (KEY, "alice@example.com", "console", "token")
        assert (ballot.approval_id, ballot.digest, ballot.reason) == ("run.1.1", "sha256:shown", "looks fine")
        assert "Your vote is counted." in (await browser.get(f"{PATH}?said=voted")).text


async def test_sent_twice_it_is_one_ballot_and_another_decision_is_another() -> None:
    """A double click sends the same ballot; a new page, or another decision, a new one."""
    here = console(change=token_may_vote)
    async with here.visited() as browser:
        fields = await fields_of(browser, PATH)
        for decision in ("approve", "approve", "reject"):
            await browser.post(f"{PATH}/vote", data={**fields, "decision": decision}, headers=BROWSER)
        here.stage.clock.forward(1)
        again = await fields_of(browser, PATH)
        await browser.post(f"{PATH}/vote", data={**again, "decision": "approve"}, headers=BROWSER)
    ids = [ballot.id for _key, ballot in here.stage.episodes.voted]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


@pytest.mark.parametrize("missing", ["approval_id", "digest"])
async def test_a_vote_on_nothing_in_particular_is_refused(missing: str) -> None:
    """A form without request or digest does not mean whatever is asked now."""
    here = console(change=token_may_vote)
    async with here.visited() as browser:
        fields = await fields_of(browser, PATH)
        answer = await browser.post(
            f"{PATH}/vote", data={**fields, missing: "", "decision": "approve"}, headers=BROWSER
        )
        assert answer.headers["location"] == f"{PATH}?said=malformed"
    assert here.stage.recorded == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        *(
            (BallotError(reason, "because"), reason)
            for reason in ("not_allowed", "rank_too_low", "plan_changed", "expired")
        ),
        (BallotError("barred", "because"), "refused"),
        (EpisodeClosedError("over"), "closed"),
    ],
)
async def test_a_refusal_comes_back_as_one_line(error: Exception, said: str) -> None:
    """Why a vote was not counted is a code in the address and a sentence on the page, never the text of the error."""
    here = console(change=token_may_vote)
    here.stage.episodes.tally = error
    async with here.visited() as browser:
        data = {**await fields_of(browser, PATH), "decision": "approve"}
        answer = await browser.post(f"{PATH}/vote", data=data, headers=BROWSER)
        assert answer.headers["location"] == f"{PATH}?said={said}"
        page = (await browser.get(answer.headers["location"])).text
    assert "said bad" in page
    assert "because" not in page


async def test_a_vote_without_a_worker_is_recorded_and_said_so() -> None:
    """No worker counts: the vote goes as a signal, and the visitor reads that nobody has counted it yet."""
    here = console(change=token_may_vote)
    here.stage.episodes.tally = NoWorkerError("nobody")
    async with here.visited() as browser:
        data = {**await fields_of(browser, PATH), "decision": "reject"}
        answer = await browser.post(f"{PATH}/vote", data=data, headers=BROWSER)
    assert answer.headers["location"] == f"{PATH}?said=recorded"
    assert [signal for _key, signal, _ballot in here.stage.episodes.sent] == ["vote"]


async def test_a_vote_that_temporal_did_not_take_is_not_recorded() -> None:
    """Temporal away: nothing is lost silently; the page says to try again."""
    here = console(change=token_may_vote)
    async with here.visited() as browser:
        data = {**await fields_of(browser, PATH), "decision": "approve"}
        here.stage.episodes.down = True
        answer = await browser.post(f"{PATH}/vote", data=data, headers=BROWSER)
    assert answer.headers["location"] == f"{PATH}?said=unreachable"


@pytest.mark.parametrize("token", [BOB_TOKEN, READ_TOKEN])
@pytest.mark.parametrize("path", [f"{PATH}/vote", f"{PATH}/override", "/guards/clear", "/freeze"])
async def test_without_the_scope_nothing_is_done(token: str, path: str) -> None:
    """A form that was made by hand does nothing for somebody who may only read."""
    here = console(change=token_may_vote)
    async with here.visited(token) as browser:
        fields = await fields_of(browser, "/guards")
        data = {**fields, "approval_id": "run.1.1", "digest": "sha256:shown", "decision": "approve", "reason": "x"}
        data |= {"target": "db-1", "switch": "on"}
        answer = await browser.post(path, data=data, headers=BROWSER)
        assert answer.headers["location"].endswith("?said=scope")
    assert here.stage.recorded == []
    assert here.guards.cleared == []
    assert here.switch.turned == []


@pytest.mark.parametrize("path", [f"{PATH}/vote", f"{PATH}/override", "/guards/clear", "/freeze"])
@pytest.mark.parametrize("headers", FOREIGN)
async def test_another_site_can_send_nothing(path: str, headers: dict[str, str]) -> None:
    """A form from elsewhere, or one without the token of this page, is 403 on a page and does nothing."""
    here = console(change=token_may_vote)
    async with here.visited() as browser:
        fields = await fields_of(browser, PATH)
        data = {**fields, "decision": "approve", "reason": "x", "target": "db-1", "switch": "on"}
        foreign = await browser.post(path, data=data, headers=headers)
        bare = await browser.post(path, data={**data, "form_token": "x"}, headers=BROWSER)
    for answer in (foreign, bare):
        assert answer.status_code == 403
        assert answer.headers["content-type"].startswith("text/html")
    assert (here.stage.recorded, here.guards.cleared, here.switch.turned) == ([], [], [])


async def test_an_override_needs_a_reason_and_tells_its_effect() -> None:
    """Without a reason nothing is sent; with one it goes under the visitor's name, and idle ones are called that."""
    here = console(change=token_may_vote)
    async with here.visited() as browser:
        fields = await fields_of(browser, PATH)
        for reason, decision, said in (
            ("  ", "cancel", "reason_missing"),
            ("now", "cancel", "override"),
            ("now", "retry", "override_idle"),
        ):
            data = {**fields, "decision": decision, "reason": reason}
            answer = await browser.post(f"{PATH}/override", data=data, headers=BROWSER)
            assert answer.headers["location"] == f"{PATH}?said={said}"
    sent = [
        (signal, ballot.decision, ballot.actor, ballot.channel) for _key, signal, ballot in here.stage.episodes.sent
    ]
    assert sent == [
        ("override", "cancel", "alice@example.com", "console"),
        ("override", "retry", "alice@example.com", "console"),
    ]


async def test_overrides_that_change_nothing_are_not_offered() -> None:
    """While it asks there is nothing to retry; who may not override sees no form."""
    here = console()
    async with here.visited() as browser:
        page = (await browser.get(PATH)).text
        assert 'value="cancel"' in page
        assert 'value="retry"' not in page
    async with here.visited(BOB_TOKEN) as browser:
        assert "/override" not in (await browser.get(PATH)).text


async def test_clearing_tells_whether_anything_cooled() -> None:
    """A cooldown is ended with name and reason; a name under which nothing cools is told."""
    here = console()
    here.guards.known = ("target-db-1",)
    async with here.visited() as browser:
        fields = await fields_of(browser, "/guards")
        for target, reason, said in (
            ("target-db-1", "fixed by hand", "cleared"),
            ("target-x", "why not", "nothing_cleared"),
            ("target-db-1", "", "reason_missing"),
            ("", "why", "malformed"),
            ("x" * 501, "why", "malformed"),
        ):
            data = {**fields, "target": target, "reason": reason}
            answer = await browser.post("/guards/clear", data=data, headers=BROWSER)
            assert answer.headers["location"] == f"/guards?said={said}"
    assert [(target, order.actor, order.reason) for target, order in here.guards.cleared] == [
        ("target-db-1", "alice@example.com", "fixed by hand"),
        ("target-x", "alice@example.com", "why not"),
    ]


async def test_the_switch_says_what_became_of_it() -> None:
    """Frozen, frozen already, allowed again, still frozen, never frozen: five answers."""
    here = console()
    async with here.visited() as browser:
        fields = await fields_of(browser, "/guards")

        async def turn(to: str) -> str:
            data = {**fields, "switch": to, "reason": "migration"}
            answer = await browser.post("/freeze", data=data, headers=BROWSER)
            return answer.headers["location"].removeprefix("/guards?said=")

        assert [await turn(to) for to in ("off", "on", "on")] == ["not_frozen", "frozen", "already_frozen"]
        here.switch.slow = True
        assert await turn("off") == "thawing"
        here.switch.slow = False
        assert [await turn(to) for to in ("off", "sideways")] == ["thawed", "malformed"]
        here.switch.down = True
        assert await turn("on") == "unreachable"


async def test_an_invented_result_says_nothing() -> None:
    """Only known codes become a sentence; the rest of the address is never shown."""
    async with console().visited(ALICE_TOKEN) as browser:
        page = (await browser.get("/?said=<script>alert(1)</script>")).text
    assert "alert(1)" not in page


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_result_has_a_sentence(lang: str) -> None:
    """Each code of a result has its text in every language."""
    assert all(Wording(lang)(f"page.said.{code}") for code in SAID)
