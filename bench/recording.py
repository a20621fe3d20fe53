"""Where and of what figures are, and the file in which they are kept."""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
PACKAGES = (
    "longwire", "longwire-server", "qiskit", "qiskit-aer", "grpcio", "protobuf", "fastapi",
)  # fmt: skip


def environment() -> dict[str, Any]:
    """The commit, the machine and the versions behind a run."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=RESULTS, capture_output=True, text=True
    )
    return {
        "commit": commit.stdout.strip(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "processors": len(os.sched_getaffinity(0)),
        "machine": platform.machine(),
        "load_average_at_start": os.getloadavg()[0],
        "versions": {package: version(package) for package in PACKAGES},
    }


def write(name: str, figures: dict[str, Any]) -> None:
    """Writes the figures of one run to ``results/NAME.json``."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(figures, indent=2) + "\n")
