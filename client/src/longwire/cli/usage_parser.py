"""The grammar of the command ``usage``, and of asking for other tenants."""

from __future__ import annotations

from argparse import ArgumentParser

from longwire.cli.login_parser import AddCommand
from longwire.cli.values import past_time

COMMANDS = {"usage": "longwire.cli.usage_commands:usage"}


def add_usage_command(add_command: AddCommand) -> None:
    """Adds the command to the parser."""
    parser = add_command(
        "usage",
        "show what was used: jobs, shots and time of workers, by day and backend",
        "Days are those of UTC.",
    )
    parser.add_argument(
        "--since",
        metavar="TIME",
        type=past_time,
        help="from the day of this time on: 7d, or a date such as 2026-05-01",
    )
    parser.add_argument(
        "--until", metavar="TIME", type=past_time, help="up to the day of this time"
    )
    add_whose(parser, all_tenants="--all")


def add_whose(parser: ArgumentParser, *, all_tenants: str) -> None:
    """Adds the options with which operators ask for other tenants.

    Args:
        parser: of the command.
        all_tenants: the option for all of them.
    """
    whose = parser.add_mutually_exclusive_group()
    whose.add_argument("--tenant", metavar="NAME", default="", help="of this tenant; for operators")
    whose.add_argument(
        all_tenants, dest="all_tenants", action="store_true", help="of all tenants; for operators"
    )
