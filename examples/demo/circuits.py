"""Runs a circuit on two backends of a server, and the same on this machine.

    python -m examples.demo.circuits localhost:50051

The functions of `screen` only print; everything else is what a program of yours
would do.
"""

from __future__ import annotations

import os
import sys
import time

from qiskit import QuantumCircuit, transpile
from qiskit.providers import JobStatus
from qiskit_aer import AerSimulator

from examples.demo import screen
from longwire import RemoteBackendV2, RemoteEstimator, RemoteJob, RemoteService

SHOTS = 4096
SEED = 2026


def main(address: str) -> None:
    """Runs the demo against the server at ``address``."""
    # A service is the way to a server. It holds one connection.
    with RemoteService(address) as service:
        screen.heading("Its backends", f"asked for by another process, {os.getpid()}")
        screen.statuses([backend.status() for backend in service.backends()])

        # Three qubits that are all 0 or all 1: a GHZ state.
        circuit = QuantumCircuit(3, name="ghz")
        circuit.h(0)
        circuit.cx(0, 1)
        circuit.cx(1, 2)
        ghz = circuit.copy()
        circuit.measure_all()

        # A simulator runs any circuit as it is.
        simulator = service.backend("aer_simulator")
        ideal = run(simulator, circuit)
        compare(ideal, circuit, AerSimulator())

        # A device has gates and a coupling map of its own, which its Target tells.
        device = service.backend("fake_sherbrooke")
        noisy = run(device, transpile(circuit, device, seed_transpiler=SEED))

        screen.heading("The same circuit without and with the noise of a device")
        screen.histogram({"aer_simulator": ideal, "fake_sherbrooke": noisy})

        # Expectation values, computed where the simulator is.
        screen.heading("How the qubits agree, by an estimator")
        (estimate,) = RemoteEstimator(simulator).run([(ghz, ["ZZI", "XXX", "ZII"])]).result()
        screen.line(f"<ZZI>, <XXX>, <ZII> = {', '.join(f'{ev:.3f}' for ev in estimate.data.evs)}")


def run(backend: RemoteBackendV2, circuit: QuantumCircuit) -> dict[str, int]:
    """Runs a circuit, prints the job's states as they come, and returns the counts."""
    is_simulator = backend.configuration().simulator
    screen.heading(backend.name, "a simulator" if is_simulator else f"{backend.num_qubits} qubits")
    started = time.perf_counter()
    job = backend.run(circuit, shots=SHOTS, seed_simulator=SEED)
    screen.line(f"job {job.job_id()}")

    # The server tells every change of state; nothing here asks again and again.
    def on_change(_job_id: str, status: JobStatus, _job: RemoteJob) -> None:
        screen.state(status.name, time.perf_counter() - started)

    job.wait_for_final_state(callback=on_change)
    # The result is Qiskit's own class, as AerSimulator returns it.
    counts: dict[str, int] = job.result().get_counts()
    return counts


def compare(
    remote_counts: dict[str, int], circuit: QuantumCircuit, simulator: AerSimulator
) -> None:
    """Runs the circuit in this process with the same seed, and says whether it is the same."""
    job = simulator.run(circuit, shots=SHOTS, seed_simulator=SEED)
    same = job.result().get_counts() == remote_counts
    screen.check("the same counts as AerSimulator gives in this process, seed for seed", same)


if __name__ == "__main__":
    main(sys.argv[1])
