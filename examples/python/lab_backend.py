"""A driver for Longwire: two ions in a trap, here computed instead of measured."""

from collections import Counter

from qiskit.quantum_info import Statevector
from qiskit.result import Result

from longwire.providers import BaseBackend
from longwire.providers.models import GateConfig, QasmBackendConfiguration

GATES, PAIRS = ["rx", "ry", "rz", "cx"], [[0, 1], [1, 0]]


class LabBackend(BaseBackend):
    """Runs circuits of rx, ry, rz and cx that end in measurements."""

    def __init__(self, max_shots=10_000):
        lacks = dict.fromkeys(("local", "simulator", "conditional", "open_pulse"), False)
        limits = {"memory": True, "max_shots": max_shots, "coupling_map": PAIRS}
        gates = [GateConfig(name, parameters=None, qasm_def=None) for name in GATES]
        super().__init__(QasmBackendConfiguration("lab", "1.0", 2, GATES, gates, **limits, **lacks))

    def run(self, circuits, shots=1024, memory=False, seed_simulator=None):
        results = [self._measure(circuit, shots, memory, seed_simulator) for circuit in circuits]
        about = {"backend_name": self.name(), "backend_version": self.version(), "job_id": ""}
        return Result.from_dict({**about, "success": True, "results": results})

    def _measure(self, circuit, shots, memory, seed):
        state = Statevector(circuit.remove_final_measurements(inplace=False))
        state.seed(seed)
        wires = [(*each.qubits, *each.clbits) for each in circuit.get_instructions("measure")]
        wires = [[circuit.find_bit(bit).index for bit in pair] for pair in wires]
        outcomes = [
            hex(sum(int(sample[-1 - qubit]) << clbit for qubit, clbit in wires))
            for sample in state.sample_memory(shots)
        ]
        data = {"counts": dict(Counter(outcomes))} | ({"memory": outcomes} if memory else {})
        registers = [[register.name, register.size] for register in circuit.cregs]
        header = {"name": circuit.name, "memory_slots": circuit.num_clbits, "creg_sizes": registers}
        return {"shots": shots, "success": True, "data": data, "header": header}
