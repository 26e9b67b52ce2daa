"""What docs/ledger-postgres.md tells an administrator to type makes a ledger that proofd can use."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from proof.store import open_store
from tests.proof.samples import IDENTITY, append, draft, unexpected
from tests.stack.postgres import Postgres

_ROOT = Path(__file__).parents[2]
_PAGE = _ROOT / "docs" / "ledger-postgres.md"
_BLOCK = re.compile(r"^```(sql|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def administered(postgres: Postgres) -> Iterator[Postgres]:
    """A server without the roles and the database of the page, afterwards too."""
    yield postgres
    with postgres.admin() as admin:
        admin.execute("DROP DATABASE IF EXISTS ledger WITH (FORCE)")
        admin.execute("DROP ROLE IF EXISTS ledger_owner, lumen_proofd")


def test_what_the_page_says_makes_a_ledger(
    administered: Postgres, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """Roles, database and tables as printed; the DSN as printed, with the host of this test; no warning at the start."""
    blocks = _BLOCK.findall(_PAGE.read_text(encoding="utf-8"))
    assert [kind for kind, _ in blocks] == ["sql", "sh", "sh"]
    with administered.admin() as admin:
        admin.execute("DROP DATABASE IF EXISTS ledger WITH (FORCE)")
        for statement in blocks[0][1].split(";\n"):
            if statement.strip():
                admin.execute(statement.encode())
    environ = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(tmp_path), **administered.environ}
    script = blocks[1][1].replace("lumen proof", f"{sys.executable} -m cli.main proof")
    subprocess.run(["/bin/sh", "-ec", script], env=environ, cwd=_ROOT, check=True, timeout=60)
    (dsn,) = re.findall(r"^echo '(.*)' > proof\.dsn$", blocks[2][1], re.MULTILINE)
    here = dsn.replace("db.example.com", f"127.0.0.1:{administered.port}").partition("?")[0]
    with closing(open_store(here, IDENTITY, unexpected)) as store:
        assert append(store, draft("a", x=1)).seq == 0
        assert store.verify().ok
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_a_printed_dsn_is_one_of_libpq() -> None:
    """With all its parameters."""
    (dsn,) = re.findall(r"^echo '(.*)' > proof\.dsn$", _PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    parsed = psycopg.conninfo.conninfo_to_dict(dsn)
    assert (parsed["password"], parsed["sslmode"]) == ("change me", "verify-full")
