"""The grammar of the commands around accounts: login, logout, accounts and whoami."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable

# Adds a command: its name, what it does, and more about it.
AddCommand = Callable[..., ArgumentParser]

COMMANDS = {
    "login": "longwire.cli.login_commands:login",
    "logout": "longwire.cli.login_commands:logout",
    "accounts": "longwire.cli.login_commands:accounts",
    "whoami": "longwire.cli.login_commands:whoami",
}


def add_login_commands(add_command: AddCommand) -> None:
    """Adds the commands to the parser."""
    _add_login(
        add_command(
            "login",
            "save an account, to be used from now on",
            "The server is asked first whether it takes it.",
        )
    )
    parser = add_command("logout", "forget a saved account")
    _add_server(parser, "the server; without it that of the default account")
    parser.set_defaults(is_local=True)
    parser = add_command("accounts", "list the saved accounts, the default marked by a star")
    parser.add_argument(
        "--default", metavar="HOST:PORT", help="make the account for this server the default"
    )
    parser.set_defaults(is_local=True)
    add_command("whoami", "show who you are to the server, and what you may do")


def _add_login(parser: ArgumentParser) -> None:
    _add_server(parser, "the server; without it that of the default account")
    parser.add_argument(
        "--token",
        metavar="TOKEN",
        help="the token; - reads it from the standard input. Without it, it is asked for",
    )
    parser.add_argument(
        "--ca",
        metavar="FILE|BASE64",
        help="the authority of the server's certificate: a PEM file, or base64 of its DER",
    )
    parser.add_argument("--certificate", metavar="FILE", help="a client certificate, PEM")
    parser.add_argument("--key", metavar="FILE", help="the private key of that, PEM")
    parser.add_argument(
        "--tls",
        action="store_true",
        help="use TLS on this machine, too, where the certificate is from a public authority",
    )
    parser.set_defaults(is_local=True)


def _add_server(parser: ArgumentParser, summary: str) -> None:
    parser.add_argument("server", metavar="ADDRESS", nargs="?", help=summary)
