"""Short ways to write Qobj documents, and to run them."""

from __future__ import annotations

from typing import Any

from qiskit.result import Result
from qiskit_aer import AerSimulator

from longwire.qobj import QasmQobj
from longwire.qobj.disassemble import DisassembledExperiment, disassemble_experiments


def document(*experiments: dict[str, Any], **config: Any) -> dict[str, Any]:
    """A QASM Qobj with these experiments."""
    return {
        "qobj_id": "a-qobj",
        "schema_version": "1.2.0",
        "type": "QASM",
        "header": {"backend_name": "aer_simulator", "description": "test"},
        "config": {"shots": 100, **config},
        "experiments": list(experiments),
    }


def experiment(*instructions: dict[str, Any], **header: Any) -> dict[str, Any]:
    """One experiment with these instructions and header fields."""
    return {"header": header, "config": {}, "instructions": list(instructions)}


def op(name: str, *qubits: int, **fields: Any) -> dict[str, Any]:
    """An instruction on qubits."""
    return {"name": name, "qubits": list(qubits), **fields}


def measure(qubit: int, memory: int, register: int | None = None, **fields: Any) -> dict[str, Any]:
    """A measurement of one qubit."""
    written = {} if register is None else {"register": [register]}
    return {"name": "measure", "qubits": [qubit], "memory": [memory], **written, **fields}


def bfunc(mask: int, relation: str, value: int, register: int, **fields: Any) -> dict[str, Any]:
    """A Boolean function that writes a register slot."""
    return {
        "name": "bfunc",
        "mask": hex(mask),
        "relation": relation,
        "val": hex(value),
        "register": register,
        **fields,
    }


def disassembled(*instructions: dict[str, Any], **header: Any) -> DisassembledExperiment:
    """The only experiment of a Qobj with these instructions."""
    (result,) = disassemble_experiments(
        QasmQobj.from_dict(document(experiment(*instructions, **header)))
    )
    return result


def run(experiments: list[DisassembledExperiment], shots: int = 100, seed: int = 5) -> Result:
    """The result of Aer, with the headers that the experiments ask for."""
    circuits = [experiment.circuit for experiment in experiments]
    result = AerSimulator().run(circuits, shots=shots, seed_simulator=seed, memory=True).result()
    assert result.success, result.status
    for experiment, one in zip(experiments, result.results, strict=True):
        one.header = experiment.result_header(one.header)
    return result


def counts(*instructions: dict[str, Any], **header: Any) -> dict[str, int]:
    """The counts of 100 shots of one experiment."""
    return run([disassembled(*instructions, **header)]).get_counts()  # type: ignore[no-any-return]
