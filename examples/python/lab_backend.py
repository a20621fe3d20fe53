"""A driver for Longwire: two ions in a trap, here computed instead of measured."""

from collections import Counter

from qiskit.quantum_info import Statevector
from qiskit.result import Result

from longwire.providers import BaseBackend
from longwire.providers.models import GateConfig, QasmBackendConfiguration

PAIRS = [[0, 1], [1, 0]]


class LabBackend(BaseBackend):
    """Runs circuits of rx, ry, rz and cx that end in measurements."""

    def __init__(self, max_shots=10_000):
        gates = [GateConfig(name, ["theta"], None, [[0], [1]]) for name in ("rx", "ry", "rz")]
        gates.append(GateConfig("cx", [], None, PAIRS))
        super().__init__(
            QasmBackendConfiguration(
                backend_name="lab", backend_version="1.0.0", n_qubits=2,
                basis_gates=[gate.name for gate in gates], gates=gates, coupling_map=PAIRS,
                local=False, simulator=False, conditional=False, open_pulse=False, memory=True,
                max_shots=max_shots, description="Two ions on the second floor",
            )
        )  # fmt: skip

    def run(self, circuits, shots=1024, memory=False, seed_simulator=None):
        results = [self._measure(circuit, shots, memory, seed_simulator) for circuit in circuits]
        return Result.from_dict(
            {"backend_name": self.name(), "backend_version": self.version(), "job_id": "",
             "success": True, "results": results}
        )  # fmt: skip

    def _measure(self, circuit, shots, memory, seed):
        state = Statevector(circuit.remove_final_measurements(inplace=False))
        state.seed(seed)
        source = {  # the qubit that each classical bit is measured from
            circuit.find_bit(each.clbits[0]).index: circuit.find_bit(each.qubits[0]).index
            for each in circuit.get_instructions("measure")
        }
        samples = (sample[::-1] for sample in state.sample_memory(shots))  # qubit 0 first
        outcomes = [
            hex(sum(int(sample[qubit]) << bit for bit, qubit in source.items()))
            for sample in samples
        ]
        data = {"counts": dict(Counter(outcomes))} | ({"memory": outcomes} if memory else {})
        header = {"name": circuit.name, "memory_slots": circuit.num_clbits,
                  "creg_sizes": [[creg.name, creg.size] for creg in circuit.cregs]}  # fmt: skip
        return {"shots": shots, "success": True, "data": data, "header": header}
