"""The command ``migrate``."""

from __future__ import annotations

import typer

from longwire_server.cli.options import ConfigOption, DataDirOption, fail, load, make_data_directory


def migrate(config: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """Creates the store's tables, or brings them to this version; keeps what is in them.

    PostgreSQL needs it before the first start, and after an upgrade that asks for
    it. SQLite in the data directory is migrated by every start. No server may use
    the store meanwhile.
    """
    loaded = load(config, data_dir=data_dir)
    from longwire_server.store.data_dir_lock import DataDirLock
    from longwire_server.store.job_store import StoreError
    from longwire_server.store.migrate import migrate_store

    lock = DataDirLock(loaded.server.data_dir)
    try:
        if loaded.store_is_embedded:
            make_data_directory(loaded)
            lock.acquire()
        done = migrate_store(loaded.store_url)
    except (StoreError, OSError) as error:
        fail(str(error))
    finally:
        lock.release()
    if done.before == done.after:
        typer.echo(f"{done.shown}: up to date, schema {done.after}")
    else:
        typer.echo(f"{done.shown}: schema {done.before or 'none'} -> {done.after}")
