"""The command line."""

from __future__ import annotations

import argparse
import sys
import uuid
from pathlib import Path
from typing import NoReturn

from longwire.v1.job_pb2 import JobSpec
from longwire.v1.job_service_pb2 import RunJobRequest
from longwire.v1.program_pb2 import (
    COUNTS_FORMAT_BITSTRINGS,
    PROGRAM_FORMAT_OPENQASM3,
    Program,
    RunOptions,
)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(
            f"error: {message}; write: {self.format_usage().split(': ', 1)[1].strip()}",
            file=sys.stderr,
        )
        sys.exit(2)


def parse(arguments: list[str]) -> argparse.Namespace:
    """What is asked for; ends the program where it cannot be understood."""
    parser = _Parser(prog="circuits", allow_abbrev=False)
    parser.add_argument("--deadline", type=_seconds, metavar="SECONDS")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    commands.add_parser("backends", allow_abbrev=False)
    for name in ("run", "submit"):
        command = commands.add_parser(name, allow_abbrev=False)
        command.add_argument("file", type=_text, metavar="FILE")
        command.add_argument("--backend", default="aer_simulator", metavar="NAME")
        command.add_argument("--shots", type=_count, default=1024, metavar="N")
        command.add_argument("--seed", type=_count, metavar="N")
        command.add_argument("--memory", action="store_true")
        command.add_argument("--statevector", action="store_true")
        command.add_argument("--name", default="", metavar="NAME")
        command.add_argument(
            "--option", type=_option, action="append", default=[], metavar="NAME=TEXT"
        )
    for name in ("watch", "result", "cancel"):
        commands.add_parser(name, allow_abbrev=False).add_argument("job_id", metavar="JOB_ID")
    return parser.parse_args(arguments)


def request_of(asked: argparse.Namespace) -> RunJobRequest:
    """The job that is asked for, under a key that makes repetitions safe."""
    options = RunOptions(
        shots=asked.shots,
        seed_simulator=asked.seed,
        memory=asked.memory or None,
        save_statevector=asked.statevector,
        counts_format=COUNTS_FORMAT_BITSTRINGS,
    )
    for name, text in asked.option:
        options.backend_options.fields.add(name=name).value.string_value = text
    program = Program(format=PROGRAM_FORMAT_OPENQASM3, payloads=[asked.file])
    spec = JobSpec(backend_name=asked.backend, program=program, options=options, name=asked.name)
    # A command with a deadline takes its job along.
    owns_job = asked.deadline is not None
    return RunJobRequest(spec=spec, request_id=str(uuid.uuid4()), cancel_with_call=owns_job)


def _text(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{path} cannot be read: {error.strerror}") from error


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no time: give seconds, such as 2.5")
    return seconds


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 2**64):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 2^64 - 1")
    return int(text)


def _option(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is no option: write NAME=TEXT")
    return name, value
