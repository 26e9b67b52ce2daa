"""The verifier as people run it: one file, copied away, in an isolated interpreter."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from proof import verify_lumen_proof as verifier
from tests.proof.verifier.building import VKEY, Ledger, Witness, judge, sound, verdict

PROGRAM = Path(verifier.__file__)
OLDEST = ["python3.9", "python3.10"]


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The file alone, away from its package."""
    (tmp_path / "elsewhere").mkdir()
    return Path(shutil.copy(PROGRAM, tmp_path / "elsewhere" / "verify_lumen_proof.py"))


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """A sound export."""
    return sound().write(tmp_path / "export")


def run(program: Path, *arguments: str, python: str = sys.executable) -> tuple[int, str, str]:
    """Run the copied file and return exit code, output and errors."""
    done = subprocess.run(
        [python, "-I", str(program), *arguments],
        cwd=program.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


def test_the_exit_codes(copied: Path, export: Path) -> None:
    """0 holds, 1 tampered with, 2 usage or unreadable, 3 unsigned: each with one line that says so."""
    assert run(copied, str(export), "--vkey", VKEY)[:2][0] == 0
    code, out, _ = run(copied, str(export), "--vkey", VKEY, "--strict", "--json")
    found = json.loads(out)
    assert (code, found["ok"], found["height"], found["counts"]["erased"]) == (0, True, 6, 1)
    parts = export / "parts.jsonl"
    content = parts.read_bytes()
    parts.write_bytes(content.replace(b"xxxx", b"xxxy", 1))
    code, out, errors = run(copied, str(export), "--vkey", VKEY)
    assert (code, errors) == (1, "")
    assert out.startswith("TAMPERED: first bad seq 5: part: ")
    parts.write_bytes(content)
    for arguments in ((), (str(export),), (str(export), "--vkey", "x"),
                      (str(export), "--vkey", f"\udcc2{VKEY}"), (str(export.parent), "--vkey", VKEY),
                      (str(export / "nothing"), "--vkey", VKEY), (str(export), "--vkey", VKEY, "--max-age", "soon"),
                      (str(export), "--vkey", VKEY, "--against", str(export / "nothing"))):  # fmt: skip
        code, out, errors = run(copied, *arguments)
        assert (code, out, bool(errors)) == (2, "", True), arguments
    code, out, _ = run(copied, str(export), "--vkey", VKEY, "--max-age", "1d")
    assert (code, out.startswith("UNPROVEN: ")) == (3, True)


@pytest.mark.parametrize("python", OLDEST)
def test_old_pythons_run_it(copied: Path, export: Path, python: str) -> None:
    """The oldest supported Python gives the same answer; skipped where there is none."""
    path = shutil.which(python)
    if path is None or subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode:
        pytest.skip(f"{python} is not installed")
    assert run(copied, str(export), "--vkey", VKEY, "--strict", python=path)[0] == 0
    (export / "leaves.bin").write_bytes(b"\x00" * 32)
    assert run(copied, str(export), "--vkey", VKEY, python=path)[0] == 1


def test_it_is_one_file_of_the_standard_library() -> None:
    """It imports nothing else: neither a package nor the code of the service. Its grammar is that of Python 3.9."""
    tree = ast.parse(PROGRAM.read_text(), feature_version=(3, 9))
    imported = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names | {"__future__"}


def test_the_service_does_not_use_it() -> None:
    """Nothing of the project but its tests imports the verifier: one must not repeat the mistakes of the other."""
    root = PROGRAM.parent.parent
    users = [
        path.relative_to(root).as_posix()
        for folder in ("lumen", "rules", "workflows", "activities", "worker", "api", "proof", "cli")
        for path in (root / folder).rglob("*.py")
        if ("import" in (text := path.read_text()) and "import verify_lumen_proof" in text)
        or "proof.verify_lumen_proof import" in text
    ]
    assert users == []


def test_the_sign_of_life_can_be_too_old(tmp_path: Path) -> None:
    """The time of the last entry counts; one that is no time is none."""
    ledger = Ledger()
    ledger.add("old", at="2020-01-31T12:00:00.000000Z")
    ledger.sign()
    assert verdict(ledger.write(tmp_path / "old"), "--max-age", "7d")[0] == 3
    ledger.add("new", at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    ledger.sign()
    assert verdict(ledger.write(tmp_path / "new"), "--max-age", "7d")[0] == 0
    ledger.add("never", at="2026-13-99T12:00:00.000000Z")
    ledger.sign()
    export = ledger.write(tmp_path / "never")
    assert verdict(export)[0] == 0
    assert verdict(export, "--max-age", "7d")[0] == 3


@pytest.mark.parametrize(("ahead", "code"), [(60, 0), (600, 3), (86_400 * 365, 3)])
def test_a_time_in_the_future_is_no_sign_of_life(tmp_path: Path, ahead: int, code: int) -> None:
    """Clocks differ by some minutes; a time beyond that would satisfy every age for as long as it likes."""
    when = datetime.now(UTC) + timedelta(seconds=ahead)
    ledger, witness = Ledger(), Witness(7)
    ledger.add("x", at=when.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    ledger.sign()
    export = ledger.write(tmp_path / "entry")
    found = judge(export, "--max-age", "7d")
    assert (found["exit"], "in the future" in found.get("reason", "")) == (code, code == 3)
    assert judge(export)["exit"] == 0
    old = Ledger()
    old.add("x", at="2020-01-31T12:00:00.000000Z")
    plain = old.sign()
    old.notes[1] = witness.cosign(plain, int(when.timestamp()))
    seen = old.write(tmp_path / "witness")
    assert judge(seen, "--witness", witness.vkey, "--max-age", "7d")["exit"] == code


def test_a_witness_must_have_seen_the_newest_checkpoint(tmp_path: Path) -> None:
    """Its cosignature must be there and true; its time is the sign of life then, whatever the entries say."""
    witness, other = Witness(7), Witness(8, "witness.example.com/w2")
    ledger = Ledger()
    ledger.add("old", at="2020-01-31T12:00:00.000000Z")
    plain, now = ledger.sign(), int(datetime.now(UTC).timestamp())
    assert judge(ledger.write(tmp_path / "none"), "--witness", witness.vkey)["exit"] == 3
    ledger.notes[1] = witness.cosign(plain, now)
    seen = ledger.write(tmp_path / "seen")
    assert verdict(seen)[0] == 0
    assert judge(seen, "--witness", witness.vkey, "--max-age", "1h")["exit"] == 0
    assert judge(seen, "--max-age", "1h")["exit"] == 3
    assert judge(seen, "--witness", witness.vkey, "--witness", other.vkey)["exit"] == 3
    ledger.notes[1] = witness.cosign(plain, now - 7200)
    assert judge(ledger.write(tmp_path / "late"), "--witness", witness.vkey, "--max-age", "1h")["exit"] == 3
    ledger.notes[1] = other.cosign(witness.cosign(plain, now), now - 7200)
    both = ledger.write(tmp_path / "both")
    assert judge(both, "--witness", witness.vkey, "--witness", other.vkey, "--max-age", "1h")["exit"] == 0
    ledger.notes[1] = witness.cosign(plain, now - 7200, said=now)
    lying = judge(ledger.write(tmp_path / "lying"), "--witness", witness.vkey, "--max-age", "1h")
    assert (lying["exit"], lying["code"]) == (1, "checkpoint")


def test_a_kept_checkpoint_with_a_false_signature_says_nothing_about_the_log(tmp_path: Path) -> None:
    """What was handed over is unreadable: nobody signed it, so the log is not called tampered with."""
    ledger = Ledger()
    ledger.add("x")
    first = ledger.sign()
    ledger.add("y")
    second = ledger.sign()
    export = ledger.write(tmp_path / "export")
    kept = tmp_path / "kept.note"
    kept.write_bytes(first)
    assert judge(export, "--against", str(kept))["exit"] == 0
    kept.write_bytes(first.rpartition(b"\n\n")[0] + b"\n\n" + second.rpartition(b"\n\n")[2])
    found = judge(export, "--against", str(kept))
    assert (found["exit"], "unreadable" in found["reason"]) == (2, True)


def test_long_work_says_how_far_it_is(
    export: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Progress goes to stderr, the result alone to stdout."""
    monkeypatch.setattr(verifier, "SAY_EVERY", -1.0)
    progress = verifier.Progress()
    progress.say(4096)
    assert capsys.readouterr().err == "4096 entries verified so far\n"


def test_of_many_checkpoints_those_that_say_nothing_new_are_left_to_strict_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A false signature on an old checkpoint with the right root is found in strict mode; a wrong root always."""
    ledger = Ledger()
    for seq in range(12):
        ledger.add(f"key-{seq}")
        ledger.sign()
    first = ledger.notes[2]
    ledger.notes[2] = first.replace(first[-20:], ledger.notes[3][-20:])
    export = ledger.forge(tmp_path / "signature")
    assert verdict(export) == (1, None, "checkpoint")
    monkeypatch.setattr(verifier, "MANY", 4)
    assert judge(export)["exit"] == 0
    assert verdict(export, "--strict") == (1, None, "checkpoint")
    other = Ledger()
    other.add("x")
    other.add("y")
    ledger.notes[2] = other.sign()
    assert judge(ledger.forge(tmp_path / "root"))["first_bad_seq"] == 0


def test_nothing_from_outside_moves_the_terminal(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names of files are shown with their control characters spelled out."""
    (export / "\x1b[2Jx").write_text("")
    assert verifier.main([str(export), "--vkey", VKEY]) == 1
    assert "\x1b" not in capsys.readouterr().out
    assert judge(export)["exit"] == 1
