"""Which server it is that holds leases in a store."""

from __future__ import annotations

import secrets
from pathlib import Path

from longwire_server.store.job_store import StoreError

_FILE_NAME = "server_id"


def server_id(data_dir: Path) -> str:
    """The id of the server on a data directory, the same after every restart.

    So a server knows its own leases again, which are worth nothing when it starts:
    only one server at a time is on a data directory.

    Args:
        data_dir: the directory, which is locked.

    Raises:
        StoreError: the id can be neither read nor written.
    """
    path = data_dir / _FILE_NAME
    try:
        known = path.read_text().strip() if path.exists() else ""
        if not known:
            known = secrets.token_hex(16)
            path.write_text(f"{known}\n")
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"cannot read or write {path}: {error}") from error
    return known
