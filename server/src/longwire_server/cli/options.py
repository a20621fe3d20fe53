"""What the commands have in common: their options, and how they read a configuration and fail."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn, TypeAlias

import typer

from longwire_server.config import ConfigError, ServerConfig, load_config, with_overrides

ConfigOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--config", envvar="LONGWIRE_SERVER_CONFIG", help="TOML file; defaults without one."
    ),
]
AddressOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--address", help="HOST:PORT to listen on; port 0 takes a free one."),
]
DataDirOption: TypeAlias = Annotated[
    Path | None, typer.Option("--data-dir", help="Directory for jobs and results.")
]


def load(
    config: Path | None, address: str | None = None, data_dir: Path | None = None
) -> ServerConfig:
    """Returns the configuration with what the command line decides; ends where it is wrong."""
    try:
        return with_overrides(load_config(config), address=address, data_dir=data_dir)
    except ConfigError as error:
        fail(str(error))


def make_data_directory(config: ServerConfig) -> None:
    """Makes the data directory where it is missing, its owner's alone. Raises OSError."""
    config.server.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)


def fail(message: str) -> NoReturn:
    """Ends the command with code 1, and a message on the standard error."""
    typer.echo(f"longwire-server: {message}", err=True)
    raise typer.Exit(code=1)
