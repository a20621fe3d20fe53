"""Clients at work while servers and workers are killed at random, on both stores."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_run import SEED, SEED_IN_WORDS, STORM_SECONDS
from job_audit import Acknowledged, audit
from postgresql_server import PostgresqlServer
from storm import Storm

pytestmark = pytest.mark.timeout(2 * STORM_SECONDS + 400)

CONFIG = """
[server]
drain_grace_seconds = 0.2
lease_seconds = 5

[store]
url = "{url}"
# Of a job's payloads, the program is in a file and the result is not.
file_above_bytes = 200

[[pool]]
name = "default"
processes = 2

[[backend]]
name = "simulator"
factory = "gated_backend:GatedBackend"
max_attempts = 1000

[[backend]]
name = "device"
factory = "gated_backend:GatedBackend"
max_attempts = 1
"""


@contextlib.contextmanager
def storm(tmp_path: Path, url: str) -> Iterator[Storm]:
    """Servers on a store, ready to be killed."""
    config = tmp_path / "longwire-server.toml"
    config.write_text(CONFIG.format(url=url))
    begun = Storm(tmp_path / "data", config, url, SEED)
    try:
        yield begun
    finally:
        begun.end()


def weather(storm: Storm) -> None:
    """Lets a storm rage, and audits what is left."""
    print(SEED_IN_WORDS)
    records = storm.rage(STORM_SECONDS)
    stored = storm.calm()
    damage = storm.damage
    acknowledged = sum(isinstance(each, Acknowledged) for each in records)
    print(f"{acknowledged} jobs acknowledged, {len(records)} records, {damage}")
    assert audit(records, stored) == []


def test_no_job_is_lost_or_doubled_in_a_storm_on_sqlite(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/data/longwire.db"
    with storm(tmp_path, url) as raging:
        weather(raging)


def test_no_job_is_lost_or_doubled_in_a_storm_on_postgresql(
    postgresql: PostgresqlServer, tmp_path: Path
) -> None:
    with postgresql.database() as url, storm(tmp_path, url) as raging:
        weather(raging)
