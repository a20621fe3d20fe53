"""The accounts in the store of a configuration, for the commands that read and change them.

A store is not made here: a command that was told of no store would make one that no
server uses, and what it wrote there would be of no effect.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from longwire_server.cli.options import fail, make_data_directory
from longwire_server.config import ServerConfig

if TYPE_CHECKING:
    from longwire_server.store.direct_access import AccountTables
    from longwire_server.telemetry.audit import AuditLog

T = TypeVar("T")


def read_accounts(
    config: ServerConfig, read: Callable[[AccountTables], Coroutine[Any, Any, T]]
) -> T:
    """What a function reads of the accounts; ends the command where that fails."""
    return _in_store(config, read)


def change_accounts(
    config: ServerConfig,
    change: Callable[[AccountTables], Coroutine[Any, Any, T]],
    facts: Callable[[T], dict[str, str]],
) -> T:
    """Changes accounts, records it in the audit log, and says in which store it was.

    Args:
        config: the server's configuration.
        change: makes the change.
        facts: what the audit log says of a change; empty where nothing was changed.

    Returns:
        What ``change`` returned. Ends the command where it fails.
    """
    audit = _opened_audit(config)
    changed = _in_store(config, change)
    told = facts(changed)
    if told:
        if audit is not None:
            audit.record({"subject": f"local:{_user_name()}", **told, "code": "OK"})
        typer.echo(f"written to {_shown(config)}", err=True)
    if audit is not None:
        audit.close()
    return changed


def _in_store(config: ServerConfig, work: Callable[[AccountTables], Coroutine[Any, Any, T]]) -> T:
    from longwire_server.store.direct_access import accounts_of
    from longwire_server.store.job_store import StoreError

    async def run() -> T:
        async with accounts_of(config.store_url) as accounts:
            return await work(accounts)

    try:
        _require_store(config)
        return asyncio.run(run())
    except (StoreError, OSError) as error:
        fail(str(error))


def _require_store(config: ServerConfig) -> None:
    from longwire_server.store.database import sqlite_file

    file = sqlite_file(config.store_url)
    if file is None or file.exists():
        return
    fail(
        f"there is no store at {file}: name the server's configuration with --config FILE, or "
        "its data directory with --data-dir FOLDER. Where its first start is still to come, "
        "longwire-server migrate with the same option makes the store"
    )


def _opened_audit(config: ServerConfig) -> AuditLog | None:
    """The audit log, opened: what cannot be recorded is not done."""
    if config.audit_file is None:
        return None
    from longwire_server.store.job_store import StoreError
    from longwire_server.telemetry.audit import AuditLog

    audit = AuditLog(config.audit_file)
    try:
        _require_store(config)
        if config.audit.file is None:
            make_data_directory(config)
        is_new = not config.audit_file.exists()
        audit.open()
        if is_new and os.geteuid() == 0:
            # The server, which is another user as a rule, is to go on with it.
            owner = config.audit_file.parent.stat()
            os.chown(config.audit_file, owner.st_uid, owner.st_gid)
    except (StoreError, OSError) as error:
        fail(str(error))
    return audit


def _shown(config: ServerConfig) -> Path | str:
    from longwire_server.store.database import shown_url, sqlite_file

    return sqlite_file(config.store_url) or shown_url(config.store_url)


def _user_name() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        # As in a container.
        return str(os.getuid())
