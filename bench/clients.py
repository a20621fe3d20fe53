"""The measured calls, one factory each."""

from __future__ import annotations

import io
from collections.abc import Callable

from qiskit import QuantumCircuit, qpy

Call = Callable[[], object]
SHOTS = 1024


def bell() -> QuantumCircuit:
    """The circuit that everybody runs."""
    circuit = QuantumCircuit(2, 2, name="bell")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit


def bell_qpy() -> bytes:
    """The same as bytes."""
    buffer = io.BytesIO()
    qpy.dump(bell(), buffer)
    return buffer.getvalue()


def local_call(threads: int) -> Call:
    """The circuit on Aer in this process; 0 threads leaves Aer its default, all processors."""
    from qiskit_aer import AerSimulator

    simulator, circuit = AerSimulator(max_parallel_threads=threads), bell()
    return lambda: simulator.run(circuit, shots=SHOTS).result().get_counts()


def echo_call(address: str) -> Call:
    """A request of 100 bytes to the raw server."""
    import grpc
    from raw_server import ECHO

    call = grpc.insecure_channel(address).unary_unary(ECHO)
    return lambda: call(b"x" * 100)


def status_call(address: str) -> Call:
    """A backend's status."""
    from longwire import RemoteProvider

    return RemoteProvider(address).get_backend("aer_simulator").status


def longwire_call(address: str) -> Call:
    """The circuit on a Longwire server."""
    from longwire import RemoteProvider

    backend, circuit = RemoteProvider(address).get_backend("aer_simulator"), bell()
    return lambda: backend.run(circuit, shots=SHOTS).result().get_counts()


def fastapi_call(address: str) -> Call:
    """The circuit on the FastAPI server."""
    import httpx

    client = httpx.Client(base_url=f"http://{address}", timeout=120)

    def call() -> object:
        response = client.post("/run", params={"shots": SHOTS}, content=bell_qpy())
        return response.raise_for_status().json()

    return call


def ray_call(address: str) -> Call:
    """The circuit in a task of Ray."""
    import ray
    from task_servers import run_qpy

    ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    task = ray.remote(run_qpy)
    return lambda: ray.get(task.remote(bell_qpy(), SHOTS))


def dask_call(address: str) -> Call:
    """The circuit in a task of Dask."""
    from distributed import Client
    from task_servers import run_qpy

    client = Client(address)
    # A pure function of the same arguments would be answered from memory.
    return lambda: client.submit(run_qpy, bell_qpy(), SHOTS, pure=False).result()


CALLS: dict[str, Callable[[str], Call]] = {
    "echo": echo_call,
    "status": status_call,
    "longwire": longwire_call,
    "fastapi": fastapi_call,
    "ray": ray_call,
    "dask": dask_call,
}
