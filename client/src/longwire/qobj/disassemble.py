"""From a QASM Qobj to circuits of Qiskit 2.

Names are looked up in an allow-list (:mod:`longwire.qobj.operations`), and whatever
a Qobj can say that they can hold comes through: the global phase, labels,
metadata, measurements into several slots, Boolean functions with any mask and both
relations, whose outcome guards any number of instructions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from qiskit.circuit import CircuitError, QuantumCircuit
from qiskit.exceptions import QiskitError

from longwire.errors import InvalidQobjError
from longwire.qobj.experiment_builder import ExperimentBuilder
from longwire.qobj.layout import ExperimentLayout
from longwire.qobj.qasm_experiment import QasmQobjExperiment
from longwire.qobj.qasm_qobj import QasmQobj
from longwire.qobj.steps import Step, read_steps

__all__ = ["CircuitModule", "DisassembledExperiment", "disassemble", "disassemble_experiments"]

# Options that describe the document, not how it is run.
_STRUCTURE = frozenset(
    {"memory_slots", "n_qubits", "parameter_binds", "calibrations", "pulse_library"}
)


class CircuitModule(NamedTuple):
    """What :func:`disassemble` returns, in the order of Qiskit Terra's.

    Attributes:
        circuits: one circuit for each experiment.
        run_config: the Qobj's options.
        header: the Qobj's header.
    """

    circuits: list[QuantumCircuit]
    run_config: dict[str, Any]
    header: dict[str, Any]


@dataclass(frozen=True)
class DisassembledExperiment:
    """One experiment as a circuit, with what the circuit cannot hold.

    Attributes:
        circuit: the circuit; bit ``i`` is memory slot ``i``.
        run_config: the options of this experiment: its own before the Qobj's, without
            those that describe the document (``memory_slots`` and the like).
            ``seed`` is called ``seed_simulator``.
        header: the experiment's header as it was sent.
        creg_sizes: name and size of each classical register of the experiment.
        num_scratch_clbits: classical bits after the memory slots, in a last register,
            which hold outcomes of ``bfunc`` while the memory changes and are 0 at the
            end. Nearly always none.
    """

    circuit: QuantumCircuit
    run_config: dict[str, Any]
    header: dict[str, Any]
    creg_sizes: tuple[tuple[str, int], ...]
    num_scratch_clbits: int

    @property
    def memory_slots(self) -> int:
        """Number of memory slots: the width of the outcomes."""
        return sum(size for _, size in self.creg_sizes)

    def result_header(self, backend_header: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the header that the experiment's result is to have.

        It holds what the backend wrote and, before that, what the experiment's header
        said. The registers are the experiment's own, so that outcomes are printed with
        as many digits as it has memory slots, scratch bits or not.

        Args:
            backend_header: header of the backend's result for :attr:`circuit`.
        """
        return {
            **backend_header,
            **self.header,
            "name": self.circuit.name,
            "memory_slots": self.memory_slots,
            "creg_sizes": [list(register) for register in self.creg_sizes],
        }


def disassemble(qobj: QasmQobj) -> CircuitModule:
    """Converts a Qobj to circuits, as ``qiskit.assembler.disassemble`` did.

    Options that differ between experiments are in :func:`disassemble_experiments`.

    Args:
        qobj: the Qobj; it is left as it was.

    Returns:
        The circuits, the options and the header.

    Raises:
        InvalidQobjError: an instruction is not on the allow-list or wrong, or the
            experiments' headers contradict themselves; the message begins with the
            place, ``experiments[2].instructions[5]``.
    """
    circuits = [experiment.circuit for experiment in disassemble_experiments(qobj)]
    return CircuitModule(circuits, qobj.config.to_dict(), qobj.header.to_dict())


def disassemble_experiments(qobj: QasmQobj) -> list[DisassembledExperiment]:
    """Converts each experiment of a Qobj, with its own options and header.

    Args:
        qobj: the Qobj; it is left as it was.

    Returns:
        The experiments in order.

    Raises:
        InvalidQobjError: as :func:`disassemble`.
    """
    if not isinstance(qobj, QasmQobj):
        raise InvalidQobjError(
            f"a QasmQobj is expected, not {type(qobj).__name__}; Qiskit 2 has no pulses"
        )
    qobj_config = qobj.config.to_dict()
    _refuse_unbound(qobj_config, "config")
    return [
        _disassemble_experiment(experiment, qobj_config, number)
        for number, experiment in enumerate(qobj.experiments)
    ]


def _disassemble_experiment(
    experiment: QasmQobjExperiment, qobj_config: Mapping[str, Any], number: int
) -> DisassembledExperiment:
    place = f"experiments[{number}]"
    header, config = experiment.header.to_dict(), experiment.config.to_dict()
    _refuse_unbound(config, f"{place}.config")
    steps = read_steps(experiment.instructions, place)
    layout = ExperimentLayout.read(header, config, qobj_config, _used(steps), place)
    circuit = layout.circuit(header, f"experiment{number}", place)
    builder = ExperimentBuilder(circuit, steps)
    try:
        # Numbers near the end of the range overflow in Qiskit's checks, which then
        # refuse them: NumPy's warnings would add nothing.
        with np.errstate(all="ignore"):
            builder.build()
    except InvalidQobjError:
        raise
    except (CircuitError, QiskitError) as error:
        raise InvalidQobjError(f"{place}: the circuit cannot be built: {error}") from error
    return DisassembledExperiment(
        circuit,
        _run_config({**qobj_config, **config}),
        header,
        layout.creg_sizes,
        builder.num_scratch,
    )


def _used(steps: list[Step]) -> tuple[int, int]:
    """Returns how many qubits and memory slots the steps need at least."""
    qubits = max((max(step.qubits, default=-1) for step in steps), default=-1)
    memory = max((max(step.memory, default=-1) for step in steps), default=-1)
    return qubits + 1, memory + 1


def _run_config(config: Mapping[str, Any]) -> dict[str, Any]:
    options = {name: value for name, value in config.items() if name not in _STRUCTURE}
    if "seed" in options:
        options.setdefault("seed_simulator", options.pop("seed"))
    return options


def _refuse_unbound(config: Mapping[str, Any], place: str) -> None:
    if any(config.get("parameter_binds") or ()):
        raise InvalidQobjError(
            f"{place}.parameter_binds: a Qobj holds numbers; bind the circuits before"
        )
    if (config.get("calibrations") or {}).get("gates"):
        raise InvalidQobjError(
            f"{place}.calibrations: pulses cannot be run, Qiskit 2 has none; "
            "send the experiments without calibrations"
        )
