"""What an error of PostgreSQL says, for everybody and for the log."""

from __future__ import annotations

import psycopg
import pytest

from proof.postgres.dsn import Dsn
from proof.postgres.session import for_everybody


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("invalid page in block 1 of relation base/16386/41479", "invalid page in block 1 of relation [path]"),
        (
            'connection to server on socket "/run/pg/.s.PGSQL.5432" failed: No such file',
            'connection to server on socket "[path]" failed: No such file',
        ),
        ("canceling statement due to lock timeout", "canceling statement due to lock timeout"),
    ],
)
def test_paths_go_into_the_log_alone(said: str, told: str, caplog: pytest.LogCaptureFixture) -> None:
    """Everybody reads what is wrong; which file of which server it is stands in the log."""
    assert for_everybody(psycopg.OperationalError(said), Dsn("postgresql://h/d")) == told
    assert said in caplog.text
