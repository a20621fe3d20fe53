"""Writes the requests of a load to files, once: ``request_files.py FOLDER --backend NAME ...``.

The client's codec makes them, which takes Qiskit; the generator of the load only sends
the bytes, so that its process has nothing else to do.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

CIRCUITS = ("bell", "tiny")


def request_path(folder: Path, circuit: str, backend: str) -> Path:
    """Where the request lies that runs a circuit on a backend."""
    return folder / f"{circuit}-{backend}.pb"


def write_requests(folder: Path, backends: list[str]) -> None:
    """Has another process write every circuit for every backend."""
    command = [sys.executable, __file__, str(folder), "--backend", *backends]
    subprocess.run(command, check=True, timeout=120)


def main() -> None:
    from qiskit import QuantumCircuit

    from longwire.codecs.program import program_to_proto
    from longwire.codecs.run_options import run_options_to_proto
    from longwire.v1.job_pb2 import JobSpec
    from longwire.v1.job_service_pb2 import RunJobRequest

    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--backend", nargs="+", required=True)
    arguments = parser.parse_args()
    bell = QuantumCircuit(2, 2, name="bell")
    bell.h(0)
    bell.cx(0, 1)
    bell.measure([0, 1], [0, 1])
    tiny = QuantumCircuit(1, 1, name="tiny")
    tiny.measure(0, 0)
    for circuit, shots in ((bell, 1024), (tiny, 1)):
        program = program_to_proto(circuit)
        options = run_options_to_proto(circuit, shots=shots)
        for backend in arguments.backend:
            spec = JobSpec(backend_name=backend, program=program, options=options)
            # A SubmitJobRequest has the same fields, and so the same bytes.
            path = request_path(arguments.folder, circuit.name, backend)
            path.write_bytes(RunJobRequest(spec=spec).SerializeToString())


if __name__ == "__main__":
    main()
