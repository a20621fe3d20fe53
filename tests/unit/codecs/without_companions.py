"""Decodes Targets in a process that has neither Aer nor qiskit-ibm-runtime.

    python without_companions.py AER_TARGET BOUNDED_TARGET

Prints what it found as JSON. The tests run it in a process of its own.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

ABSENT = ("qiskit_aer", "qiskit_ibm_runtime")


class Absence:
    """Finds nothing of the packages that are not there."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


sys.meta_path.insert(0, Absence())  # type: ignore[arg-type]

from qiskit import QuantumCircuit, transpile  # noqa: E402
from qiskit.circuit import Gate, Instruction  # noqa: E402
from qiskit.quantum_info import Operator  # noqa: E402
from qiskit.transpiler import Target  # noqa: E402

from longwire.codecs.target import decode_target, encode_target  # noqa: E402
from longwire.codecs.value import value_from_proto  # noqa: E402
from longwire.errors import CodecError  # noqa: E402
from longwire.v1.target_pb2 import EncodedTarget  # noqa: E402
from longwire.v1.value_pb2 import Value  # noqa: E402


def decoded(path: str) -> Target:
    return decode_target(EncodedTarget.FromString(Path(path).read_bytes()))


def angles_kept(target: Target, level: int) -> bool:
    """Whether a circuit whose angles are beyond the bounds is transpiled and does the same."""
    circuit = QuantumCircuit(2)
    for angle in (-3.5, -2.0, -0.5, 0.5, 2.0, 3.5, 7.0):
        circuit.rzz(angle, 0, 1)
        circuit.rx(0.3, 0)
    transpiled = transpile(
        circuit, target=target, initial_layout=[0, 1], optimization_level=level, seed_transpiler=1
    )
    within = all(
        0 <= item.operation.params[0] <= 1.5707963267948968
        for item in transpiled.data
        if item.operation.name == "rzz"
    )
    width = transpiled.num_qubits
    embedded = QuantumCircuit(width)
    embedded.compose(circuit, [0, 1], inplace=True)
    return within and Operator(embedded) == Operator(transpiled)


aer, bounded = (decoded(path) for path in sys.argv[1:3])
circuit = QuantumCircuit(3)
circuit.ccx(0, 1, 2)
circuit.measure_all()
try:
    value_from_proto(Value.FromString(Path(sys.argv[3]).read_bytes()))
    complaint = ""
except CodecError as error:
    complaint = error.message
print(
    json.dumps(
        {
            "names": sorted(aer),
            "save_state": aer.operation_from_name("save_state") is Instruction,
            "mcy": aer.operation_from_name("mcy") is Gate,
            "again": encode_target(aer).data != b"",
            "transpiled": sorted(transpile(circuit, target=aer, optimization_level=1).count_ops()),
            "angles": [angles_kept(bounded, level) for level in range(4)],
            "noise": complaint,
            "absent": [name for name in ABSENT if name in sys.modules],
        }
    )
)
