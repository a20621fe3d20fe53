"""Backends that the tests of primitives host."""

from __future__ import annotations

from collections import Counter
from typing import Any

from qiskit import QuantumCircuit
from qiskit.circuit import Measure, Parameter
from qiskit.circuit.library import CXGate, RXGate, RZGate, SXGate, XGate
from qiskit.primitives import StatevectorEstimator, StatevectorSampler
from qiskit.providers import BackendV2, Options
from qiskit.quantum_info import Statevector
from qiskit.result import Result
from qiskit.transpiler import Target
from qiskit_aer import AerSimulator

from longwire.providers import BaseBackend
from longwire.providers.models import QasmBackendConfiguration


class PanicError(BaseException):
    """What native code raises where it gives up."""


def outcomes(circuit: QuantumCircuit, shots: int, seed: int | None) -> list[str]:
    """The outcome of every shot, in hexadecimal."""
    state = Statevector(circuit.remove_final_measurements(inplace=False))
    state.seed(seed)
    pairs = [
        (circuit.find_bit(each.qubits[0]).index, circuit.find_bit(each.clbits[0]).index)
        for each in circuit.get_instructions("measure")
    ]
    return [
        hex(sum(int(sample[-1 - qubit]) << clbit for qubit, clbit in pairs))
        for sample in state.sample_memory(shots)
    ]


def result_of(circuits: list[QuantumCircuit], data: list[dict[str, Any]], shots: int) -> Result:
    results = [
        {
            "shots": shots,
            "success": True,
            "data": each,
            "header": {
                "name": circuit.name,
                "memory_slots": circuit.num_clbits,
                "creg_sizes": [[register.name, register.size] for register in circuit.cregs],
            },
        }
        for circuit, each in zip(circuits, data, strict=True)
    ]
    about = {"backend_name": "", "backend_version": "", "job_id": "", "success": True}
    return Result.from_dict({**about, "results": results})


class CountsOnly(BaseBackend):
    """A classic driver of two ions; knows shots and a seed, and returns counts alone."""

    def __init__(self, **changes: Any) -> None:
        document = {
            "backend_name": "counts_only",
            "backend_version": "1.0.0",
            "n_qubits": 2,
            "basis_gates": ["rx", "rz", "x", "sx", "cx"],
            "gates": [],
            "local": False,
            "simulator": False,
            "conditional": False,
            "open_pulse": False,
            "memory": False,
            "max_shots": 10_000,
            "coupling_map": [[0, 1], [1, 0]],
            "max_experiments": 2,
            **changes,
        }
        super().__init__(QasmBackendConfiguration.from_dict(document))
        self.sizes: list[int] = []

    def run(  # type: ignore[override]
        self, circuits: list[QuantumCircuit], shots: int = 10, seed_simulator: int | None = None
    ) -> Result:
        self.sizes.append(len(circuits))
        counts = [Counter(outcomes(each, shots, seed_simulator)) for each in circuits]
        return result_of(circuits, [{"counts": dict(each)} for each in counts], shots)


class Device(BackendV2):
    """Two qubits that are measured; a circuit whose name begins with "broken" breaks them.

    Args:
        forgets: whether it returns no memory although it is asked for it.
        is_lazy: whether it runs half of the shots that it is asked for.
    """

    def __init__(self, forgets: bool = False, is_lazy: bool = False) -> None:
        super().__init__(name="device")
        self._forgets = forgets
        self._is_lazy = is_lazy
        self._target = Target(num_qubits=2)
        angle = Parameter("angle")
        for gate in (RXGate(angle), RZGate(angle), XGate(), SXGate(), Measure()):
            self._target.add_instruction(gate, {(0,): None, (1,): None})
        self._target.add_instruction(CXGate(), {(0, 1): None, (1, 0): None})
        self.sizes: list[int] = []

    @property
    def target(self) -> Target:
        return self._target

    @property
    def max_circuits(self) -> None:
        return None

    @classmethod
    def _default_options(cls) -> Options:
        return Options(shots=10, memory=False, colour="red")

    def run(self, run_input: list[QuantumCircuit], **options: Any) -> Any:
        self.sizes.append(len(run_input))
        for circuit in run_input:
            if circuit.name.startswith("broken"):
                raise RuntimeError("the laser is off")
            if circuit.name.startswith("mute"):
                raise RuntimeError
            if circuit.name.startswith("panic"):
                raise PanicError("native code gave up")
            if circuit.name.startswith("memory"):
                raise MemoryError
        shots = options["shots"] // 2 if self._is_lazy else options["shots"]
        memory = [outcomes(each, shots, 1) for each in run_input]
        data = [
            {"counts": dict(Counter(each)), **({} if self._forgets else {"memory": each})}
            for each in memory
        ]
        return _Done(result_of(run_input, data, options["shots"]))


class Simulator(Device):
    """The same, computed: its pubs are run some at a time."""

    simulator = True


class _Done:
    def __init__(self, result: Result) -> None:
        self._result = result

    def result(self) -> Result:
        return self._result


class WithPrimitives(Device):
    """A driver with a sampler and an estimator of its own.

    Args:
        good: whether they are such.
    """

    def __init__(self, good: bool = True) -> None:
        super().__init__()
        self._good = good
        self.asked: list[dict[str, Any]] = []

    def sampler(self, options: dict[str, Any]) -> Any:
        self.asked.append(options)
        return StatevectorSampler(seed=3) if self._good else object()

    def estimator(self, options: dict[str, Any]) -> Any:
        self.asked.append(options)
        return StatevectorEstimator(default_precision=options.get("default_precision", 0.0))


class RememberingAer(AerSimulator):
    """Remembers the circuits that it ran."""

    def __init__(self) -> None:
        super().__init__()
        self.circuits: list[QuantumCircuit] = []

    def run(self, circuits: list[QuantumCircuit], *arguments: Any, **options: Any) -> Any:
        self.circuits += circuits
        return super().run(circuits, *arguments, **options)
