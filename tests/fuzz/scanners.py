"""Fuzzes, guided by coverage, what reads a stranger's bytes before Qiskit's parsers do.

    python tests/fuzz/scanners.py FORMAT [options of libFuzzer]

FORMAT is qpy, openqasm2, openqasm3 or qobj. Whatever is raised but a refusal is a
finding, and so is an input that takes longer than ``-timeout`` seconds. Qiskit's own
parsers are native, and some inputs abort them: that costs a worker, and is no finding.
Needs atheris, which ``make fuzz`` installs where it can.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import atheris

with atheris.instrument_imports(include=["longwire.codecs", "longwire.qobj"]):
    from longwire.codecs.openqasm_size import OpenqasmSizes
    from longwire.codecs.qobj import qobj_from_json, qobj_to_json
    from longwire.codecs.qpy_instructions import DamagedQpyError, check_qpy

from hostile_payloads import plain_circuit, qpy_of
from qiskit import qasm2, qasm3

from longwire.errors import LongwireError
from longwire.qobj.assemble import assemble
from longwire.v1.program_pb2 import ProgramFormat


def check_any_qpy(payload: bytes) -> None:
    """Walks what has the header that was checked before."""
    if payload[:6] == b"QISKIT" and payload[6:7] and 13 <= payload[6] <= 18:
        check_qpy(payload)


def check_openqasm2(payload: bytes) -> None:
    """Counts a text, as the worker does once it is one."""
    text = payload.decode(errors="replace")
    OpenqasmSizes().add(text, ProgramFormat.PROGRAM_FORMAT_OPENQASM2, "")


def check_openqasm3(payload: bytes) -> None:
    """The same for version 3."""
    text = payload.decode(errors="replace")
    OpenqasmSizes().add(text, ProgramFormat.PROGRAM_FORMAT_OPENQASM3, "")


# What reads each format, and a valid input to begin with.
FORMATS: dict[str, tuple[Callable[[bytes], object], Callable[[], bytes]]] = {
    "qpy": (check_any_qpy, lambda: qpy_of(plain_circuit(), version=15)),
    "openqasm2": (check_openqasm2, lambda: qasm2.dumps(plain_circuit()).encode()),
    "openqasm3": (check_openqasm3, lambda: qasm3.dumps(plain_circuit()).encode()),
    "qobj": (qobj_from_json, lambda: qobj_to_json(assemble([plain_circuit()]))),
}


def main() -> None:
    """Fuzzes one format until libFuzzer's options say to stop; it ends the process."""
    name, *options = sys.argv[1:]
    read, valid = FORMATS[name]

    def check(payload: bytes) -> None:
        with contextlib.suppress(LongwireError, DamagedQpyError):
            read(payload)

    with TemporaryDirectory() as corpus:
        (Path(corpus) / "valid").write_bytes(valid())
        atheris.Setup([sys.argv[0], *options, corpus], check)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
