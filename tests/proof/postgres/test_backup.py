"""Backups of the database: a dump is a ledger, and an old one is told from the newest."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry

from proof.ledger import open_ledger
from proof.store import open_store
from tests.proof.contract.houses import DATABASE
from tests.proof.samples import IDENTITY, append, draft, places, unexpected
from tests.stack.postgres import SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proof.store import LedgerStore
    from tests.proof.contract.houses import PostgresHouse

RESTORED = "restored"


@pytest.fixture
def house(house: PostgresHouse) -> Iterator[PostgresHouse]:
    """A house beside which there is an empty database; it is dropped afterwards."""
    with house.server.admin() as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {RESTORED} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {RESTORED} TEMPLATE template0")
    yield house
    with house.server.admin() as admin:
        admin.execute(f"DROP DATABASE {RESTORED} WITH (FORCE)")


def dump(house: PostgresHouse) -> str:
    """Return what pg_dump says."""
    done = subprocess.run(["pg_dump", DATABASE], env=house.server.environ | {"PATH": "/usr/bin:/bin"},
                          capture_output=True, text=True, check=True, timeout=60)  # fmt: skip
    return done.stdout


def restore(house: PostgresHouse, content: str) -> str:
    """Put a dump into the other database and return its DSN."""
    psql = ["psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", RESTORED]
    subprocess.run(psql, env=house.server.environ | {"PATH": "/usr/bin:/bin"}, input=content,
                   capture_output=True, text=True, check=True, timeout=60)  # fmt: skip
    return house.server.tcp_dsn(SERVICE, RESTORED)


def test_a_dump_of_the_newest_state_goes_on(house: PostgresHouse) -> None:
    """With the key and the checkpoint of before, and the rights of before."""
    with house.signed() as ledger:
        for number in range(5):
            append(ledger.store, draft(f"k{number}", x=number))
    dsn = restore(house, dump(house))
    ledger = open_ledger(dsn, IDENTITY, places(house.path), CollectorRegistry(), unexpected)
    with contextlib.closing(ledger):
        assert ledger.store.failure is None
        assert append(ledger.store, draft("new")).seq == 5
        assert ledger.verifier.verify(full=True).ok


def test_a_dump_under_load_is_a_whole_ledger_and_an_old_one(house: PostgresHouse) -> None:
    """Taken while entries come, it verifies; put in the place of the ledger, it opens frozen and names both sizes."""
    stop = threading.Event()

    def load(store: LedgerStore) -> None:
        number = 0
        while not stop.is_set():
            append(store, draft(f"k{number}", x=number))
            number += 1

    with house.signed() as ledger:
        append(ledger.store, draft("first"))
        thread = threading.Thread(target=load, args=(ledger.store,))
        thread.start()
        content = dump(house)
        stop.set()
        thread.join()
        append(ledger.store, draft("last"))
        height = ledger.store.head.height
    dsn = restore(house, content)
    with contextlib.closing(open_store(dsn, IDENTITY, unexpected)) as store:
        kept = store.head.height
        assert 0 < kept < height
    ledger = open_ledger(dsn, IDENTITY, places(house.path), CollectorRegistry(), unexpected)
    with contextlib.closing(ledger):
        assert f"has {kept} entries" in (ledger.store.failure or "")
        assert f"was signed over {height}" in (ledger.store.failure or "")
