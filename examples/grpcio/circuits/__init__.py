"""A client of Longwire from its .proto files alone: grpcio and protobuf, no Qiskit."""

from __future__ import annotations

import sys
from pathlib import Path

# The generated code is not installed: it stands beside this package.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "gen"))
