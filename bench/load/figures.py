"""What the benchmarks in the folder above record with, for the load tests."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
from aims import Ratio, ratio
from recording import environment, finish

__all__ = ["Ratio", "environment", "finish", "ratio"]
