"""Where and of what figures are, and the file in which they are kept."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import aims

RESULTS = Path(__file__).parent / "results"
PACKAGES = (
    "longwire", "longwire-server", "qiskit", "qiskit-aer", "grpcio", "protobuf", "fastapi",
    "ray", "distributed",
)  # fmt: skip
# To see that a benchmark runs: few calls, and nothing is kept.
QUICK = "--quick" in sys.argv[1:]


def environment() -> dict[str, Any]:
    """The commit, the machine and the versions behind a run."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
    )
    return {
        "commit": commit.stdout.strip(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "processors": len(os.sched_getaffinity(0)),
        "machine": platform.machine(),
        "load_average_at_start": os.getloadavg()[0],
        "versions": {package: found for package in PACKAGES if (found := _version(package))},
    }


def begin() -> dict[str, Any]:
    """What a run's figures are recorded with; called first, it refuses unknown arguments."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="few calls, and nothing is kept")
    parser.parse_args()
    return {"environment": environment()}


def write(name: str, figures: dict[str, Any]) -> None:
    """Writes the figures of one run to ``results/NAME.json``; not of a quick one."""
    if QUICK:
        return
    figures["environment"]["load_average_at_end"] = os.getloadavg()[0]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(figures, indent=2) + "\n")


def finish(name: str, recorded: dict[str, Any]) -> None:
    """Writes the figures of one run, and prints its ratios beside their aims."""
    write(name, recorded)
    for title, found in recorded.get("ratios", {}).items():
        print(aims.line(title, found), flush=True)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
