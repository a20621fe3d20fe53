"""Entry of the console script ``longwire-server``."""

from __future__ import annotations

import typer

from longwire_server.cli import (
    config_commands,
    init_command,
    migrate_command,
    renew_certificate_command,
    serve_command,
    tenant_commands,
    token_commands,
)

app = typer.Typer(
    help="Hosts quantum backends for Longwire clients.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(init_command.init)
app.command()(serve_command.serve)
app.command()(migrate_command.migrate)
app.command("check-config")(config_commands.check_config)
app.command()(config_commands.backends)
app.command("renew-certificate")(renew_certificate_command.renew_certificate)
app.add_typer(token_commands.app, name="token")
app.add_typer(tenant_commands.app, name="tenant")


def main() -> None:
    """Runs the command line, and ends the process."""
    app()
