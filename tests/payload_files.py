"""The files of large payloads, as the file system and the store have them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import sqlalchemy as sa

from longwire_server.store.tables import PAYLOAD_TABLES


def payload_files(data_dir: Path) -> set[str]:
    """The names of all files of payloads, half-written ones included."""
    return {path.name for path in (data_dir / "payloads").rglob("*") if path.is_file()}


def make_old(data_dir: Path) -> None:
    """Lets files of payloads look as if they had been written hours ago."""
    hours_ago = time.time() - 7200
    for path in (data_dir / "payloads").rglob("*"):
        os.utime(path, (hours_ago, hours_ago))


def referred_files(url: str) -> set[str]:
    """The names of the files to which rows of the store refer."""
    engine = sa.create_engine(url)
    selects = [
        sa.select(table.c.file_key).where(table.c.file_key.is_not(None)) for table in PAYLOAD_TABLES
    ]
    try:
        with engine.connect() as connection:
            return set(connection.execute(sa.union_all(*selects)).scalars())
    finally:
        engine.dispose()
