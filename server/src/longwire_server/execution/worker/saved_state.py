"""The state at the end of circuits that cannot say themselves that it is to be saved."""

from __future__ import annotations

from typing import Final

from qiskit.circuit import QuantumCircuit

from longwire.errors import InvalidOptionError
from longwire.qobj import QasmQobj
from longwire_server.backends.hosted_backend import HostedBackend

_INSTRUCTION: Final = "save_statevector"


def save_statevectors(
    program: list[QuantumCircuit] | QasmQobj, backend: HostedBackend, *, transpiled: bool
) -> None:
    """Has every circuit end with saving its state, under the name ``statevector``.

    Args:
        program: the job's own circuits, which are changed.
        backend: the backend that is to run them.
        transpiled: whether the server has transpiled them.

    Raises:
        InvalidOptionError: the backend cannot save states, or the program is a Qobj, or
            transpiling has put the qubits of a circuit among others or in another order.
    """
    if isinstance(program, QasmQobj):
        raise InvalidOptionError(
            "save_statevector is for circuits; a Qobj has an instruction save_statevector "
            "of its own: put it where the state is to be saved"
        )
    if _INSTRUCTION not in backend.target.operation_names:
        raise InvalidOptionError(
            f"{backend.name} cannot save states: leave save_statevector out, or use a simulator "
            f"whose Target has {_INSTRUCTION}, such as Aer's"
        )
    # Only a worker that has such a simulator needs Aer.
    from qiskit_aer.library import SaveStatevector

    for circuit in program:
        if transpiled and _is_moved(circuit):
            raise InvalidOptionError(
                f"{backend.name} has not the qubits of circuit {circuit.name!r} as the circuit "
                "has them, and would save the state of its own: leave transpile out, or use a "
                "simulator without a coupling map"
            )
        circuit.append(SaveStatevector(circuit.num_qubits), circuit.qubits)


def _is_moved(circuit: QuantumCircuit) -> bool:
    """Whether a transpiled circuit has other qubits than the one that it was made of."""
    layout = circuit.layout
    return layout is not None and layout.final_index_layout() != list(range(circuit.num_qubits))
