"""The options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AddressOption = Annotated[
    str | None,
    typer.Option(
        "--address",
        metavar="HOST:PORT",
        help="The server. Without it: LONGWIRE_ADDRESS, then localhost:50051.",
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Write one JSON document, for programs; errors too.")
]
JobIdArgument = Annotated[str, typer.Argument(metavar="ID", help="The job's id.")]
TimeoutOption = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        min=0,
        help="Wait at most so long; the job goes on after it.",
    ),
]
OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Also write the histograms (.png, .svg, .pdf) or the whole result (.json) here.",
    ),
]

# What is run, and how: the options of run and submit.
FilesArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...",
        help="OpenQASM 2 or 3 (.qasm, one circuit a file), QPY (.qpy) or a Qobj (.json).",
        show_default=False,
    ),
]
BackendOption = Annotated[
    str | None,
    typer.Option(
        "--backend",
        "-b",
        metavar="NAME",
        help="Run on this backend. Without it: the first operational simulator, or else the "
        "first operational backend.",
    ),
]
ShotsOption = Annotated[
    int | None,
    typer.Option("--shots", "-s", metavar="N", min=1, help="How often to run each circuit."),
]
SeedOption = Annotated[
    int | None, typer.Option("--seed", metavar="N", min=0, help="Seed of the simulator.")
]
MemoryOption = Annotated[
    bool, typer.Option("--memory", help="Return the outcome of every shot, too.")
]
BackendOptionsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        metavar="NAME=VALUE",
        help="A run option of the backend; the value is read as JSON, or else as text. "
        "Can be repeated.",
    ),
]
NameOption = Annotated[
    str, typer.Option("--name", metavar="TEXT", help="A name for the job.", show_default=False)
]
TagsOption = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="TEXT", help="A label for the job. Can be repeated."),
]
