"""Fixtures of what only the store on PostgreSQL has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.proof.contract.houses import PostgresHouse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from proof.store import LedgerStore
    from tests.stack.postgres import Postgres


@pytest.fixture
def house(postgres: Postgres, tmp_path: Path) -> PostgresHouse:
    """Return a database with new tables."""
    return PostgresHouse(postgres, tmp_path)


@pytest.fixture
def ledger(house: PostgresHouse) -> Iterator[LedgerStore]:
    """Return an open, empty ledger."""
    with house.opened() as store:
        yield store
