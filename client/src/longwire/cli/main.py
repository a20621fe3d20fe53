"""Entry of the console script ``longwire``."""

from __future__ import annotations

from typing import Annotated

import typer

from longwire.cli.arguments import AddressOption
from longwire.cli.backend_commands import backends, status
from longwire.cli.job_commands import cancel, job, jobs
from longwire.cli.run_commands import run, submit
from longwire.cli.watch_commands import result, watch

app = typer.Typer(
    help="Run quantum circuits on a backend at the other end of a wire.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _command in (backends, status, run, submit, jobs, job, watch, result, cancel):
    app.command()(_command)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        from longwire import __version__

        typer.echo(f"longwire {__version__}")
        raise typer.Exit


@app.callback()
def _longwire(
    context: typer.Context,
    address: AddressOption = None,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    context.obj = address


def main() -> None:
    """Runs the command line."""
    app(prog_name="longwire")
