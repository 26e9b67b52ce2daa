"""Bugs of Lumen, planted in a copy of clean evidence as they would look from outside."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from tests.chaos.planting.tampering import Copy, Record

Plant = Callable[[Copy], None]
BOB, MALLORY = "bob@example.com", "mallory@example.com"


def about(record: Record, key: str, kind: str) -> bool:
    told = {record.data.get("alert_key"), str(record.data.get("workflow_id")).removeprefix("alert-")}
    return record.kind == kind and key in told


def skip(file: str, kind: str) -> Plant:
    """Lumen never wrote the entries of one kind about an episode; the ledger holds without them."""

    def plant(evidence: Copy) -> None:
        key = evidence.key(file)
        evidence.rewrite(lambda records: [record for record in records if not about(record, key, kind)])

    return plant


def edit(file: str, kind: str, how: Callable[[Record], None]) -> Plant:
    """Lumen wrote something else into the entries of one kind about an episode."""

    def plant(evidence: Copy) -> None:
        key = evidence.key(file)

        def changed(records: list[Record]) -> list[Record]:
            for record in records:
                if about(record, key, kind):
                    how(record)
            return records

        evidence.rewrite(changed)

    return plant


def trial(how: Callable[[dict[str, Any]], None]) -> Plant:
    return lambda evidence: evidence.change("trial.json", how)


def _gone(evidence: Copy, file: str) -> str:
    """Take every trace of an episode away but that it fired and was accepted."""
    key = evidence.key(file)
    evidence.rewrite(lambda records: [record for record in records if key not in record.idem])
    evidence.change("alerts.json", lambda alerts: alerts.pop(key))
    (evidence.folder / "acts" / file).unlink(missing_ok=True)
    for history in (evidence.folder / "histories").glob(f"alert-{key}.*"):
        history.unlink()
    return key


def lost_alert(evidence: Copy) -> None:
    """An accepted alert left no episode."""
    _gone(evidence, "fails")


def never_delivered(evidence: Copy) -> None:
    """An alert that fired to the end reached nobody."""
    key = _gone(evidence, "fails")
    evidence.lines("sent.jsonl", lambda lines: [line for line in lines if key not in str(line["answer"])])
    evidence.change("trial.json", lambda trial: trial.update(ended=trial["ended"] + 3600))


def doubled_action(evidence: Copy) -> None:
    """A command that is not idempotent ran once more under its key, with a claim for it."""
    evidence.acts(evidence.file("Budget:remediated"), lambda lines: [*lines, *(later(line, 10**7) for line in lines)])
    key = evidence.key("Budget:remediated")

    def second(records: list[Record]) -> list[Record]:
        found = []
        for record in records:
            found.append(record)
            if about(record, key, "action.started"):
                again = copy.deepcopy(record)
                again.idem, again.data["tried"], again.seq = again.idem[:-1] + "2", 2, -1
                found.append(again)
        return found

    evidence.rewrite(second)


def later(line: str, nanoseconds: int) -> str:
    key, word, at, pid = line.rsplit(" ", 3)
    return f"{key} {word} {int(at) + nanoseconds} {pid}"


def two_keys(evidence: Copy) -> None:
    """An idempotent action was tried again under another key."""
    key = evidence.key("again")

    def other_run(lines: list[str]) -> list[str]:
        return [lines[0], *(_other_key(line) for line in lines[1:])]

    evidence.acts("again", other_run)

    def other_claim(records: list[Record]) -> list[Record]:
        for record in records:
            if about(record, key, "action.started") and record.data["tried"] == 2:
                record.data["key"] = _other_key(record.data["key"])
                record.idem = _other_key(record.idem)
        return records

    evidence.rewrite(other_claim)


def _other_key(value: str) -> str:
    words = value.split("/")
    words[1] = "00000000-0000-0000-0000-000000000000"
    return "/".join(words)


def two_at_once(evidence: Copy) -> None:
    """The second attempt of an episode began while the first still ran."""

    def overlap(lines: list[str]) -> list[str]:
        second = next(line for line in lines if "/2/" in line)
        first_end = next(place for place, line in enumerate(lines) if "/1/" in line and " end " in line)
        at = int(second.rsplit(" ", 2)[1]) + 10**6
        key, word, _, pid = lines[first_end].rsplit(" ", 3)
        lines[first_end] = f"{key} {word} {at} {pid}"
        return lines

    evidence.acts("once", overlap)


def two_runs(evidence: Copy) -> None:
    """Temporal holds two open runs of one episode."""
    key = evidence.key("once")
    file = next((evidence.folder / "histories").glob(f"alert-{key}.*"))
    run = file.name.split(".")[-2]
    other = run[:-4] + ("0000" if run[-4:] != "0000" else "1111")
    file.with_name(file.name.replace(run, other)).write_text(file.read_text().replace(run, other))


def two_ends(evidence: Copy) -> None:
    """One attempt has two outcomes in the ledger."""
    key = evidence.key("fails")

    def twice(records: list[Record]) -> list[Record]:
        end = next(record for record in records if about(record, key, "auto_remediation"))
        again = copy.deepcopy(end)
        again.idem, again.seq = f"{end.idem}-2", -1
        return [*records, again]

    evidence.rewrite(twice)


def unclaimed(evidence: Copy) -> None:
    """A command started that nobody claimed."""
    evidence.acts(
        evidence.file("Budget:suppressed"),
        lambda _: [f"alert-{evidence.key('Budget:suppressed')}/some-run/1/step 1 start 5 77"],
    )


def decided_late(evidence: Copy) -> None:
    """The decision was written after the claim."""
    key = evidence.key("asked")

    def swap(records: list[Record]) -> list[Record]:
        decision = next(record for record in records if about(record, key, "approval_quorum_decision"))
        rest = [record for record in records if record is not decision]
        place = next(place for place, record in enumerate(rest) if about(record, key, "action.started"))
        return [*rest[: place + 1], decision, *rest[place + 1 :]]

    evidence.rewrite(swap)


def unsent_vote(evidence: Copy) -> None:
    """A person stands in the quorum who never voted."""
    evidence.lines("votes.jsonl", lambda votes: [vote for vote in votes if vote["actor"] != BOB])


def drop_bob(record: Record) -> None:
    voters = record.data["voters"]
    voters["approve"] = [vote for vote in voters["approve"] if vote["actor"] != BOB]


def mallory_for_bob(record: Record) -> None:
    for vote in record.data["voters"]["approve"]:
        vote["actor"] = vote["actor"].replace(BOB, MALLORY)


def first_twice(record: Record) -> None:
    approve = record.data["voters"]["approve"]
    record.data["voters"]["approve"] = [approve[0], {**approve[0], "channel": "link"}]


def counted_twice(evidence: Copy) -> None:
    """An answer says approved by one person who voted by two channels."""

    def twice(votes: list[Any]) -> list[Any]:
        answer = votes[1]["answer"]
        again = {**answer["votes"]["approve"][0], "actor": "Alice@Example.com "}
        answer["votes"]["approve"].append(again)
        answer["status"] = "approved"
        return votes

    evidence.lines("votes.jsonl", twice)


def vote_missing(evidence: Copy) -> None:
    """An acknowledged vote is in no tally."""
    key = evidence.key("asked")
    edit("asked", "approval_quorum_decision", drop_bob)(evidence)

    def forget(alerts: dict[str, Any]) -> None:
        for tally in (alerts[key]["approval"], *alerts[key]["attempts"]):
            if tally:
                tally["votes"]["approve"] = [vote for vote in tally["votes"]["approve"] if vote["actor"] != BOB]

    evidence.change("alerts.json", forget)


def vote_in_slack_missing(evidence: Copy) -> None:
    """Bob voted again, in Slack, and was told that it is recorded: only his earlier vote is in a tally."""

    def again(votes: list[Any]) -> list[Any]:
        last = [vote for vote in votes if vote["actor"] == BOB][-1]
        later = {"at": last["at"] + 1, "until": last["until"] + 1, "stamp": 1.0e9, "reason": "told in Slack"}
        return [*votes, {**last, **later, "way": "slack", "status": 200, "answer": None}]

    evidence.lines("votes.jsonl", again)


def vote_not_answered(evidence: Copy) -> None:
    """A vote was answered with 200 and a tally without it."""

    def forget(votes: list[Any]) -> list[Any]:
        votes[0]["answer"]["votes"]["approve"] = []
        return votes

    evidence.lines("votes.jsonl", forget)
