"""``lumen up`` with its ledger on PostgreSQL: it starts, and it says why it ends when PostgreSQL does."""

from __future__ import annotations

from pathlib import Path

from cli.up.plan import make_plan
from tests.cli.up.conftest import Up, until
from tests.proof.contract.houses import PostgresHouse
from tests.stack.calling import calls
from tests.stack.postgres import PASSWORD, Postgres


def dsn_file(house: PostgresHouse, folder: Path) -> Path:
    """Return a file with the DSN, password and all, readable by its owner only."""
    path = folder / "dsn"
    path.touch(mode=0o600)
    path.write_text(house.dsn + "\n")
    return path


def test_the_ledger_outlives_the_database(postgres: Postgres, tmp_path: Path) -> None:
    """With the DSN in a file: entries get there, the end of PostgreSQL ends it with a clear line, and it starts again."""
    house = PostgresHouse(postgres, tmp_path)
    up = Up(tmp_path, PROOF_DSN_FILE=str(dsn_file(house, tmp_path)))
    try:
        up.start()
        until(lambda: height(up) > 0, "no entry")  # the rules that were loaded
        before = height(up)
        postgres.kill()
        assert up.child.wait(60) == 1
        postgres.start()
        assert "proofd ended with exit code 1" in up.printed
        assert "proofd stopped: " in up.printed
        assert "Restart it: everything is verified again at the start" in up.printed
        logs = "".join(path.read_text() for path in (up.data / "logs").glob("*.log"))
        assert PASSWORD not in logs + up.printed
        assert house.dsn not in logs + up.printed
        up.start()
        assert height(up) >= before
        assert sorted(path.name for path in up.data.glob("postgresql*")) == ["postgresql.key"]
        assert (up.data / "checkpoint" / "postgresql.note").exists()
    finally:
        up.end()


def height(up: Up) -> int:
    """Return the number of entries."""
    answer = calls().get(up.url("proofd", "/head"))
    return int(answer.json()["height"])


def test_a_dsn_in_a_file_stays_there(tmp_path: Path) -> None:
    """The processes get the name of the file, not what stands in it, and never both."""
    path = tmp_path / "dsn"
    path.write_text("postgresql://u:secret@h/d")
    plan = make_plan({"PROOF_DSN_FILE": str(path)}, {}, tmp_path, tmp_path)
    assert "PROOF_DSN" not in plan.environ
    assert plan.environ["PROOF_DSN_FILE"] == str(path)
    assert plan.settings.proof_dsn == "postgresql://u:secret@h/d"
    assert make_plan({}, {}, tmp_path, tmp_path).environ["PROOF_DSN"] == f"sqlite:///{tmp_path}/proof.db"
