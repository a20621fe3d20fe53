"""What is generated and committed is what its source says today."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from repository import ROOT


def _run(*command: str) -> tuple[int, str]:
    """The exit code of a command of this environment, and what it printed."""
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        check=False,
    )
    return done.returncode, done.stdout


def _buf(*arguments: str) -> tuple[int, str]:
    return _run(str(Path(sys.executable).with_name("buf")), *arguments)


def test_generated_code_is_fresh() -> None:
    assert _run(sys.executable, "protos/generate.py", "--check") == (0, "")


def test_protocol_reference_is_fresh() -> None:
    assert _run(sys.executable, "protos/reference.py", "--check") == (0, "")


def test_protos_follow_the_rules_and_every_part_has_a_comment() -> None:
    assert _buf("lint", "protos") == (0, "")


def test_protos_are_formatted() -> None:
    assert _buf("format", "protos", "--diff", "--exit-code") == (0, "")
