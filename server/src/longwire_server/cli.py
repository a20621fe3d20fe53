"""The command ``longwire-server``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from longwire_server.config import ConfigError, ServerConfig, load_config, with_overrides

app = typer.Typer(
    help="Hosts quantum backends for Longwire clients.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", envvar="LONGWIRE_SERVER_CONFIG", help="TOML file; defaults without one."
    ),
]
AddressOption = Annotated[
    str | None,
    typer.Option("--address", help="HOST:PORT to listen on; port 0 takes a free one."),
]
DataDirOption = Annotated[
    Path | None, typer.Option("--data-dir", help="Directory for jobs and results.")
]


@app.command()
def serve(
    config: ConfigOption = None, address: AddressOption = None, data_dir: DataDirOption = None
) -> None:
    """Serves until SIGTERM or Ctrl-C. Prints one line when it can: listening on HOST:PORT."""
    loaded = _load(config, address, data_dir)
    # Workers are started by exec, which needs none of gRPC's care for forks, only
    # makes it complain. It reads this when it is imported.
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
    # What an operator needs to know of gRPC's troubles, the server says itself.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    # Only this command needs gRPC and the database.
    from longwire_server.failpoints import FailpointsError, require_valid
    from longwire_server.server import CannotServeError, run
    from longwire_server.store.job_store import StoreError
    from longwire_server.telemetry import log

    log.configure()
    try:
        require_valid()
        loaded.server.data_dir.mkdir(parents=True, exist_ok=True)
        run(loaded, on_listening=lambda where: print(f"listening on {where}", flush=True))  # noqa: T201
    except (CannotServeError, StoreError, ConfigError, FailpointsError, OSError) as error:
        _fail(str(error))


@app.command()
def migrate(config: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """Creates the store's tables, or brings them to this version; keeps what is in them.

    PostgreSQL needs it before the first start, and after an upgrade that asks for
    it. SQLite in the data directory is migrated by every start. No server may use
    the store meanwhile.
    """
    loaded = _load(config, None, data_dir)
    from longwire_server.store.data_dir_lock import DataDirLock
    from longwire_server.store.job_store import StoreError
    from longwire_server.store.migrate import migrate_store

    lock = DataDirLock(loaded.server.data_dir)
    try:
        if loaded.store_is_embedded:
            loaded.server.data_dir.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        done = migrate_store(loaded.store_url)
    except (StoreError, OSError) as error:
        _fail(str(error))
    finally:
        lock.release()
    if done.before == done.after:
        typer.echo(f"{done.shown}: up to date, schema {done.after}")
    else:
        typer.echo(f"{done.shown}: schema {done.before or 'none'} -> {done.after}")


@app.command("check-config")
def check_config(file: Annotated[Path, typer.Argument(help="The TOML file.")]) -> None:
    """Checks a configuration file and names every wrong line."""
    from longwire_server.backends.registry import backend_specs

    loaded = _load(file, None, None)
    try:
        specs = backend_specs(loaded)
    except ConfigError as error:
        _fail(str(error))
    typer.echo(f"{file}: correct; it hosts {', '.join(spec.name for spec in specs)}")


@app.command()
def backends(config: ConfigOption = None) -> None:
    """Lists what would be hosted, without loading it."""
    from longwire_server.backends.registry import backend_specs

    try:
        specs = backend_specs(_load(config, None, None))
    except ConfigError as error:
        _fail(str(error))
    width = max(len(spec.name) for spec in specs)
    for spec in specs:
        typer.echo(f"{spec.name:<{width}}  {spec.target}  (pool {spec.pool})")


def _load(config: Path | None, address: str | None, data_dir: Path | None) -> ServerConfig:
    try:
        return with_overrides(load_config(config), address=address, data_dir=data_dir)
    except ConfigError as error:
        _fail(str(error))


def _fail(message: str) -> NoReturn:
    typer.echo(f"longwire-server: {message}", err=True)
    raise typer.Exit(code=1)


def main() -> None:
    """Entry of the console script."""
    app()
