"""How trust goes from the one key that a verifier was given to the other keys of a log."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proof.verifier.building import KEY, NEXT, STRANGER, Ledger, judge, signing_key, verdict

THIRD = signing_key(4)


def rotated(*, overlap: bool = True) -> Ledger:
    """Return a ledger that went from one key to a second and a third, with or without checkpoints that both signed."""
    ledger = Ledger()
    for number, (old, new) in enumerate([(KEY, NEXT), (NEXT, THIRD)]):
        ledger.add(f"before-{number}")
        ledger.sign(old)
        ledger.rotate(old, new)
        if overlap:
            ledger.sign(old, new)
        ledger.add(f"after-{number}")
        ledger.sign(new)
    return ledger


@pytest.mark.parametrize("key", [KEY, NEXT, THIRD], ids=["first", "second", "third"])
def test_any_key_of_the_log_is_enough(tmp_path: Path, key: object) -> None:
    """Through the overlaps forward, through the log itself backward."""
    vkey = str(key.verifier)  # type: ignore[attr-defined]  # parametrize gives objects
    export = rotated().write(tmp_path / "export")
    assert verdict(export, vkey=vkey)[0] == 0
    assert judge(export, vkey=vkey)["keys"] == [one.verifier.id for one in (KEY, NEXT, THIRD)] or key is not KEY
    assert verdict(export, vkey=str(STRANGER.verifier)) == (1, None, "checkpoint")


def test_without_an_overlap_the_old_key_does_not_lead_on(tmp_path: Path) -> None:
    """The rotation lies behind the last checkpoint of the old key: nobody it trusts vouches for the new one."""
    export = rotated(overlap=False).write(tmp_path / "export")
    assert verdict(export) == (1, None, "checkpoint")
    assert verdict(export, vkey=str(THIRD.verifier))[0] == 0


def test_a_key_that_was_handed_over_signs_nothing_more(tmp_path: Path) -> None:
    """With the last key given, a checkpoint beyond its newest one that only a former key signed is refused."""
    ledger = rotated()
    ledger.add("late")
    ledger.sign(KEY)
    assert verdict(ledger.write(tmp_path / "export"), vkey=str(THIRD.verifier)) == (1, None, "checkpoint")


def test_a_thief_of_the_new_name_gets_nowhere(tmp_path: Path) -> None:
    """A rotation to a stranger's key that no trusted checkpoint covers makes nobody trust it."""
    ledger = Ledger()
    ledger.add("one")
    ledger.sign()
    ledger.rotate(KEY, STRANGER)
    ledger.sign(STRANGER)
    assert verdict(ledger.write(tmp_path / "export")) == (1, None, "checkpoint")


@pytest.mark.parametrize("field", ["old_vkey", "new_vkey"])
def test_a_rotation_names_the_keys_of_its_entry(tmp_path: Path, field: str) -> None:
    """What the part says and what the entry says must be the same two keys."""
    ledger = Ledger()
    content = {"old_vkey": str(KEY.verifier), "new_vkey": str(NEXT.verifier), field: str(STRANGER.verifier)}
    ledger.add(f"key.rotated/{NEXT.verifier.id}", "key.rotated", {"rotation": content})
    ledger.sign()
    assert verdict(ledger.write(tmp_path / "export")) == (1, 0, "key")


@pytest.mark.parametrize("content", [None, [], {}, {"old_vkey": 1, "new_vkey": 2}, {"old_vkey": "x", "new_vkey": "y"}])
def test_a_rotation_names_two_keys(tmp_path: Path, content: object) -> None:
    """Anything else in the part of a rotation is refused at its entry."""
    ledger = Ledger()
    ledger.add(f"key.rotated/{NEXT.verifier.id}", "key.rotated", {"rotation": content})
    ledger.sign()
    assert verdict(ledger.write(tmp_path / "export")) == (1, 0, "key")


def test_a_ledger_that_began_without_a_key(tmp_path: Path) -> None:
    """``none`` before the first key is taken, and an entry of that time that calls itself a rotation changes nothing."""
    ledger = Ledger(key="none")
    ledger.add("one")
    ledger.add("key.rotated/anything", "key.rotated", {"rotation": 1})
    ledger.key = KEY.verifier.id
    ledger.add("three")
    ledger.sign()
    assert verdict(ledger.write(tmp_path / "export"))[0] == 0


def test_an_erased_rotation_needs_the_new_key(tmp_path: Path) -> None:
    """Its entry still says which key came next, but not what that key is."""
    ledger = rotated()
    ledger.notes.clear()
    ledger.erase(1, "rotation")
    ledger.sign(NEXT, THIRD)
    export = ledger.write(tmp_path / "export")
    assert verdict(export) == (1, None, "checkpoint")
    assert verdict(export, vkey=str(THIRD.verifier))[0] == 0


def test_two_keys_can_be_given(tmp_path: Path) -> None:
    """Both sides of a gap are trusted if both keys are given; keys of two logs are a mistake."""
    from proof import verify_lumen_proof as verifier  # noqa: PLC0415 - the command line as it is

    export = str(rotated(overlap=False).write(tmp_path / "export"))
    both = ["--vkey", str(KEY.verifier), "--vkey", str(THIRD.verifier)]
    assert verifier.main([export, *both]) == 0
    other = str(signing_key(5, "example.org/other").verifier)
    assert verifier.main([export, "--vkey", str(KEY.verifier), "--vkey", other]) == 2
