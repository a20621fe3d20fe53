"""``make bench``: many circuits in one job, and many jobs in the queue."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import grpc.aio
import recording
from aims import Ratio, ratio
from call_streams import CallStream
from clients import bell
from processes import Server, longwire_server, raw_server
from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator
from raw_server import ECHO
from timing import time_calls

from longwire import RemoteProvider
from longwire.v1.job_pb2 import JobSpec
from longwire.v1.job_service_pb2 import SubmitJobRequest
from longwire.v1.job_service_pb2_grpc import JobServiceStub
from longwire.v1.program_pb2 import Program, ProgramFormat

ROUNDS = 1 if recording.QUICK else 3
CIRCUITS = 50 if recording.QUICK else 1000
SHOTS = 1024
JOBS = 500 if recording.QUICK else 10_000
# Calls that wait for their answer at one time.
IN_FLIGHT = 200
BELL_TEXT = (
    b'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; '
    b"c = measure q;"
)


def circuits() -> list[QuantumCircuit]:
    """Small circuits, each another one."""
    many = []
    for number in range(CIRCUITS):
        circuit = QuantumCircuit(2, 2, name=f"circuit-{number}")
        circuit.ry(number / CIRCUITS, 0)
        circuit.compose(bell(), inplace=True)
        many.append(circuit)
    return many


def measure_circuits(address: str) -> dict[str, list[float]]:
    """Seconds of one job of many circuits, here and there."""
    many = circuits()

    def run_on(backend: Any) -> Callable[[], object]:
        return lambda: backend.run(many, shots=SHOTS).result().get_counts()

    with RemoteProvider(address) as provider:
        calls = {
            "local": run_on(AerSimulator()),
            "local, one thread": run_on(AerSimulator(max_parallel_threads=1)),
            "remote": run_on(provider.get_backend("aer_simulator")),
        }
        calls["remote"]()  # warm-up, of the worker too
        seconds: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(ROUNDS):
            for name, call in calls.items():
                seconds[name] += time_calls(call, 1)
    return seconds


async def all_answered(call: Callable[[], Awaitable[object]]) -> float:
    """Seconds until as many calls as there are jobs are answered."""
    left = JOBS

    async def work() -> None:
        nonlocal left
        while left:
            left -= 1
            await call()

    begun = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
    return time.perf_counter() - begun


async def measure_queue(raw: Server, longwire: Server) -> dict[str, float]:
    """Seconds until all jobs are accepted, and of as many echoes of the same bytes."""
    program = Program(format=ProgramFormat.PROGRAM_FORMAT_OPENQASM3, payloads=[BELL_TEXT])
    request = SubmitJobRequest(spec=JobSpec(backend_name="aer_simulator", program=program))
    async with (
        grpc.aio.insecure_channel(raw.address) as raw_channel,
        grpc.aio.insecure_channel(longwire.address) as channel,
    ):
        echo = raw_channel.unary_unary(
            ECHO,
            request_serializer=SubmitJobRequest.SerializeToString,
            response_deserializer=SubmitJobRequest.FromString,
        )
        stream = CallStream(channel)
        submit = JobServiceStub(channel).SubmitJob
        await submit(request, wait_for_ready=True)
        return {
            "echo": await all_answered(lambda: echo(request)),
            "submit": await all_answered(lambda: stream.call("submit_job", request)),
        }


def ratios(figures: dict[str, Any]) -> dict[str, Ratio]:
    """What the figures say about the aims."""
    seconds = {k: statistics.median(v) for k, v in figures["circuits_seconds"].items()}
    queued = figures["queue_seconds"]
    found = {
        f"{CIRCUITS} circuits in a job, remote / {local}": ratio(
            seconds["remote"] / seconds[local], at_most=0.7
        )
        for local in ("local", "local, one thread")
    }
    found[f"{JOBS} jobs accepted after, s"] = ratio(queued["submit"], at_most=5)
    found[f"{JOBS} jobs, submit / echo"] = ratio(queued["submit"] / queued["echo"])
    return found


def main() -> None:
    recorded = recording.begin()
    with longwire_server() as longwire:
        recorded["circuits_seconds"] = measure_circuits(longwire.address)
    # Workers take jobs meanwhile, as they do; those that are left are not waited for.
    with raw_server() as raw, longwire_server(kill=True) as longwire:
        with RemoteProvider(longwire.address) as provider:
            provider.get_backend("aer_simulator").run(bell()).result()  # warm-up
        recorded["queue_seconds"] = asyncio.run(measure_queue(raw, longwire))
    recorded["ratios"] = ratios(recorded)
    for what in ("circuits_seconds", "queue_seconds"):
        print(what, recorded[what])
    recording.finish("bulk_figures", recorded)


if __name__ == "__main__":
    main()
