"""The grammar of the command line.

It is argparse's, because every command pays for it: typer imports pydantic and
takes 0.2 s, of the half second that ``longwire status`` has.
"""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

from longwire.cli import login_parser, operator_parser, usage_parser
from longwire.cli.command_error import CommandError, ExitCode
from longwire.cli.values import (
    assignment,
    non_negative_int,
    non_negative_seconds,
    optimization_level,
    past_time,
    positive_int,
    positive_seconds,
    priority,
    state,
)

_EXIT_CODES = """\
exit codes:
  0 success, 1 error, 2 wrong usage, 3 the job failed, 4 it was cancelled,
  5 it did not end in time, 130 Ctrl-C"""


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are a CommandError, as all others are."""

    def error(self, message: str) -> NoReturn:
        """Refuses the command line.

        Raises:
            CommandError: always.
        """
        raise CommandError(
            "USAGE",
            message,
            ExitCode.USAGE,
            hints=[("how it is used:", f"{self.prog} --help")],
        )

    def refuse_unknown(self, words: Sequence[str]) -> NoReturn:
        """Refuses words of the command line that mean nothing.

        Raises:
            CommandError: always; the message has the nearest options.
        """
        given = words[0].partition("=")[0]
        near = difflib.get_close_matches(given, self._option_string_actions, n=2)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        self.error(f"unrecognized arguments: {' '.join(words)}{hint}")


def parse_command_line(words: Sequence[str]) -> argparse.Namespace:
    """What a command line says; it holds ``command``, as ``module:function``.

    Raises:
        CommandError: it is wrong; the message is about the command that it names.
    """
    parser = build_parser()
    arguments, unknown = parser.parse_known_args(words)
    if unknown:
        arguments.parser.refuse_unknown(unknown)
    if arguments.command is None and not arguments.version:
        parser.error("no command is given")
    return arguments


def build_parser() -> Parser:
    """The parser; what it parses holds ``command``, and ``parser``, that of the command."""
    parser = Parser(
        prog="longwire",
        description="Run quantum circuits on a backend at the other end of a wire.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_true", help="show the version and exit")
    _add_shared(parser)
    parser.set_defaults(command=None, parser=parser, address=None, as_json=False, is_local=False)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=Parser)
    _add_backends(commands)
    _add_status(commands)
    _add_run(commands)
    _add_submit(commands)
    _add_jobs(commands)
    _add_job(commands)
    _add_watch(commands)
    _add_result(commands)
    _add_cancel(commands)
    _add_label(commands)
    _add_delete(commands)
    operator_parser.add_operator_commands(partial(_add_command, commands))
    login_parser.add_login_commands(partial(_add_command, commands))
    usage_parser.add_usage_command(partial(_add_command, commands))
    return parser


_Commands = argparse._SubParsersAction  # the type has no public name


def _add_backends(commands: _Commands[Parser]) -> None:
    _add_command(commands, "backends", "list the backends of the server: what they are")


def _add_status(commands: _Commands[Parser]) -> None:
    parser = _add_command(
        commands, "status", "show whether backends can run jobs, and how many jobs wait"
    )
    parser.add_argument("backend", metavar="BACKEND", nargs="?", help="only this backend")


def _add_run(commands: _Commands[Parser]) -> None:
    parser = _add_command(
        commands,
        "run",
        "run circuits, wait for them, and show a histogram of each",
        "Ctrl-C stops the waiting, not the job.",
    )
    _add_order(parser)
    _add_timeout(parser)
    _add_output(parser)


def _add_submit(commands: _Commands[Parser]) -> None:
    parser = _add_command(
        commands, "submit", "submit circuits without waiting, and print the job's id alone"
    )
    _add_order(parser)


def _add_jobs(commands: _Commands[Parser]) -> None:
    parser = _add_command(commands, "jobs", "list the jobs of the server, the newest first")
    parser.add_argument(
        "-b", "--backend", metavar="NAME", default="", help="only jobs on this backend"
    )
    parser.add_argument(
        "--state",
        metavar="STATE",
        dest="states",
        type=state,
        action="append",
        default=[],
        help="only jobs in this state: queued, running, done, error, cancelled, ...; repeatable",
    )
    parser.add_argument("--tag", metavar="TEXT", default="", help="only jobs with this tag")
    parser.add_argument("--name", metavar="TEXT", default="", help="only jobs with this name")
    parser.add_argument(
        "--since",
        metavar="TIME",
        type=past_time,
        help="only jobs accepted since then: 30m, 2h, 7d, or a date such as 2026-05-01",
    )
    parser.add_argument(
        "--until", metavar="TIME", type=past_time, help="only jobs accepted before then"
    )
    how_many = parser.add_mutually_exclusive_group()
    how_many.add_argument(
        "-n",
        "--limit",
        metavar="N",
        type=positive_int,
        default=20,
        help="at most so many (default 20)",
    )
    how_many.add_argument(
        "--all", dest="limit", action="store_const", const=None, help="all of them"
    )
    usage_parser.add_whose(parser, all_tenants="--all-tenants")


def _add_job(commands: _Commands[Parser]) -> None:
    parser = _add_command(commands, "job", "show everything about a job")
    _add_job_id(parser)


def _add_watch(commands: _Commands[Parser]) -> None:
    parser = _add_command(
        commands, "watch", "follow a job until it has ended", "Ctrl-C stops the watching only."
    )
    _add_job_id(parser)
    _add_timeout(parser)


def _add_result(commands: _Commands[Parser]) -> None:
    parser = _add_command(
        commands, "result", "show the result of a job, and wait for it", "Ctrl-C stops the waiting."
    )
    _add_job_id(parser)
    parser.add_argument(
        "--no-wait",
        dest="waits",
        action="store_false",
        help="do not wait: a job without a result is an error",
    )
    _add_timeout(parser)
    _add_output(parser)


def _add_cancel(commands: _Commands[Parser]) -> None:
    parser = _add_command(
        commands,
        "cancel",
        "cancel jobs",
        "The worker of a running job is ended. A job that had ended before is an error.",
    )
    parser.add_argument("job_ids", metavar="ID", nargs="+", help="a job's id")


def _add_label(commands: _Commands[Parser]) -> None:
    parser = _add_command(
        commands,
        "label",
        "change the name, the tags or the priority of a job",
        "What is not given stays. Tags are removed before others are added.",
    )
    _add_job_id(parser)
    parser.add_argument("--name", metavar="TEXT", help='the new name; "" for none')
    _add_priority(parser)
    all_tags = parser.add_mutually_exclusive_group()
    all_tags.add_argument(
        "--tag",
        metavar="TEXT",
        dest="tags",
        action="append",
        help="a tag in place of all that it has; repeatable",
    )
    all_tags.add_argument(
        "--no-tags", dest="tags", action="store_const", const=[], help="take all tags from it"
    )
    for option, dest, summary in (
        ("--add-tag", "add_tags", "one more tag; repeatable"),
        ("--remove-tag", "remove_tags", "a tag that it is to have no more; repeatable"),
    ):
        parser.add_argument(
            option, metavar="TEXT", dest=dest, action="append", default=[], help=summary
        )


def _add_delete(commands: _Commands[Parser]) -> None:
    parser = _add_command(
        commands,
        "delete",
        "delete jobs that have ended, with their results",
        "A job that has not ended is an error: cancel it first.",
    )
    parser.add_argument("job_ids", metavar="ID", nargs="+", help="a job's id")


def _add_command(
    commands: _Commands[Parser], name: str, summary: str, more: str = ""
) -> argparse.ArgumentParser:
    description = f"{summary[0].upper()}{summary[1:]}. {more}".strip()
    parser = commands.add_parser(name, help=summary, description=description, allow_abbrev=False)
    parser.set_defaults(command=_COMMANDS[name], parser=parser)
    _add_shared(parser)
    return parser


def _add_shared(parser: argparse.ArgumentParser) -> None:
    """What can stand before the command or after it."""
    # Suppressed: a command does not undo what stands before it.
    parser.add_argument(
        "--address",
        metavar="HOST:PORT",
        default=argparse.SUPPRESS,
        help="the server; without it LONGWIRE_ADDRESS, the saved account, or localhost:50051",
    )
    parser.add_argument(
        "--json",
        dest="as_json",
        action="store_true",
        default=argparse.SUPPRESS,
        help="write one JSON document, for programs; errors too",
    )


def _add_order(parser: argparse.ArgumentParser) -> None:
    """What is run, and how: the options of run and submit."""
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        type=Path,
        help="OpenQASM 2 or 3 (.qasm; several make one job), QPY (.qpy) or a Qobj (.json)",
    )
    parser.add_argument(
        "-b",
        "--backend",
        metavar="NAME",
        help="where to run; without it the first operational simulator, or else the first backend",
    )
    parser.add_argument(
        "-s", "--shots", metavar="N", type=positive_int, help="how often to run each circuit"
    )
    parser.add_argument(
        "--seed", metavar="N", type=non_negative_int, help="the seed of the simulator"
    )
    parser.add_argument(
        "--memory", action="store_true", help="return the outcome of every shot, too"
    )
    parser.add_argument(
        "--option",
        metavar="NAME=VALUE",
        dest="assignments",
        type=assignment,
        action="append",
        default=[],
        help="an option of the backend; the value is read as JSON, or else as text; repeatable",
    )
    _add_transpilation(parser)
    parser.add_argument("--name", metavar="TEXT", default="", help="a name for the job")
    parser.add_argument(
        "--tag",
        metavar="TEXT",
        dest="tags",
        action="append",
        default=[],
        help="a label for the job; repeatable",
    )
    _add_priority(parser)
    parser.add_argument(
        "--batch",
        metavar="TEXT",
        default="",
        help="a word for jobs that are to begin in the order in which they are submitted",
    )
    parser.add_argument(
        "--max-run-seconds",
        metavar="SECONDS",
        type=positive_seconds,
        help="end the job if it runs longer; the server's limits hold in any case",
    )
    parser.add_argument(
        "--max-queue-seconds",
        metavar="SECONDS",
        type=positive_seconds,
        help="end the job if it waits longer in the queue",
    )


def _add_transpilation(parser: argparse.ArgumentParser) -> None:
    """Whether and how the server transpiles; by default what the backend cannot run as it is."""
    group = parser.add_argument_group(
        "transpilation",
        "The server transpiles circuits that the backend cannot run as they are.",
    )
    group.add_argument(
        "--transpile",
        action=argparse.BooleanOptionalAction,
        help="transpile all circuits, or none",
    )
    group.add_argument(
        "--optimization-level",
        metavar="0-3",
        type=optimization_level,
        help="how hard the transpiler optimises (Qiskit's levels); transpiles all circuits",
    )
    group.add_argument(
        "--seed-transpiler",
        metavar="N",
        type=non_negative_int,
        help="the seed of the transpiler",
    )


def _add_priority(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--priority",
        metavar="N",
        type=priority,
        help="how urgent it is among your jobs, -10 to 10; a step is worth ten minutes of waiting",
    )


def _add_job_id(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job_id", metavar="ID", help="the job's id")


def _add_timeout(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=non_negative_seconds,
        help="wait at most so long; the job goes on after it",
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="also write the histograms (.png, .svg, .pdf) or the whole result (.json) here",
    )


_COMMANDS = {
    **login_parser.COMMANDS,
    **operator_parser.COMMANDS,
    **usage_parser.COMMANDS,
    "backends": "longwire.cli.backend_commands:backends",
    "status": "longwire.cli.backend_commands:status",
    "run": "longwire.cli.run_commands:run",
    "submit": "longwire.cli.run_commands:submit",
    "jobs": "longwire.cli.job_commands:jobs",
    "job": "longwire.cli.job_commands:job",
    "watch": "longwire.cli.watch_commands:watch",
    "result": "longwire.cli.watch_commands:result",
    "cancel": "longwire.cli.job_commands:cancel",
    "label": "longwire.cli.job_commands:label",
    "delete": "longwire.cli.job_commands:delete",
}
