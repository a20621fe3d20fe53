"""Figures of the load tests, recorded with what they are of."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))
import recording


def record(name: str, figures: dict[str, Any], environment: dict[str, Any]) -> None:
    """Writes the figures of one run to ``results/NAME.json``.

    Args:
        name: of the file.
        figures: what was measured.
        environment: of :func:`environment`, as it was before the run.
    """
    after = {"load_average_at_end": os.getloadavg()[0]}
    recording.write(name, {"environment": environment | after, **figures})


def environment() -> dict[str, Any]:
    """The commit, the machine and the versions behind a run."""
    return recording.environment()
