"""The commands ``check-config`` and ``backends``, which read a configuration alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from longwire_server.cli.options import ConfigOption, fail, load
from longwire_server.config import ConfigError


def check_config(file: Annotated[Path, typer.Argument(help="The TOML file.")]) -> None:
    """Checks a configuration file, the certificate in it, and what it needs of the machine.

    Every wrong line is named.
    """
    from longwire_server.backends.registry import backend_specs
    from longwire_server.config.surroundings import missing_around, notes_about
    from longwire_server.config.tls_files import checked_tls_files

    loaded = load(file)
    try:
        specs = backend_specs(loaded)
        checked_tls_files(loaded)
        if problems := missing_around(loaded):
            raise ConfigError(problems)
    except ConfigError as error:
        fail(str(error))
    typer.echo(f"{file}: correct; it hosts {', '.join(spec.name for spec in specs)}")
    for note in notes_about(loaded):
        typer.echo(f"note: {note}", err=True)


def backends(config: ConfigOption = None) -> None:
    """Lists what would be hosted, without loading it."""
    from longwire_server.backends.registry import backend_specs

    try:
        specs = backend_specs(load(config))
    except ConfigError as error:
        fail(str(error))
    width = max(len(spec.name) for spec in specs)
    for spec in specs:
        typer.echo(f"{spec.name:<{width}}  {spec.target}  (pool {spec.pool})")
