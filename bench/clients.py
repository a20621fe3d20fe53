"""The measured calls, one factory each, and many submitters at once."""

from __future__ import annotations

import io
import sys
import threading
import time
from collections.abc import Callable

from qiskit import QuantumCircuit, qpy

SHOTS = 1024


def bell() -> QuantumCircuit:
    """The circuit that everybody runs."""
    circuit = QuantumCircuit(2, 2, name="bell")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit


def local_call(threads: int) -> Callable[[], object]:
    """The circuit on Aer in this process; 0 threads leaves Aer its default, all processors."""
    from qiskit_aer import AerSimulator

    simulator, circuit = AerSimulator(max_parallel_threads=threads), bell()
    return lambda: simulator.run(circuit, shots=SHOTS).result().get_counts()


def echo_call(address: str) -> Callable[[], object]:
    """A request of 100 bytes to the echo server."""
    import grpc
    from echo_server import METHOD

    call = grpc.insecure_channel(address).unary_unary(METHOD)
    return lambda: call(b"x" * 100)


def status_call(address: str) -> Callable[[], object]:
    """A backend's status."""
    from longwire import RemoteProvider

    return RemoteProvider(address).get_backend("aer_simulator").status


def longwire_call(address: str) -> Callable[[], object]:
    """The circuit on a Longwire server."""
    from longwire import RemoteProvider

    backend, circuit = RemoteProvider(address).get_backend("aer_simulator"), bell()
    return lambda: backend.run(circuit, shots=SHOTS).result().get_counts()


def fastapi_call(address: str) -> Callable[[], object]:
    """The circuit on the FastAPI server."""
    import httpx

    client, circuit = httpx.Client(base_url=f"http://{address}", timeout=120), bell()

    def call() -> object:
        buffer = io.BytesIO()
        qpy.dump(circuit, buffer)
        response = client.post("/run", params={"shots": SHOTS}, content=buffer.getvalue())
        return response.raise_for_status().json()

    return call


CALLS = {"longwire": longwire_call, "fastapi": fastapi_call}


def submit(kind: str, address: str, threads: int, jobs: int) -> None:
    """Runs ``jobs`` jobs from ``threads`` threads; waits for a line on stdin to begin."""
    call = CALLS[kind](address)
    call()
    left = list(range(jobs))

    def work() -> None:
        while True:
            try:
                left.pop()
            except IndexError:
                return
            call()

    workers = [threading.Thread(target=work) for _ in range(threads)]
    print("ready", flush=True)
    sys.stdin.readline()
    begun = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(time.perf_counter() - begun, flush=True)


if __name__ == "__main__":
    submit(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
