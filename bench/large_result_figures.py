"""``make bench``: fetching a large result, beside a raw stream of as many bytes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any

import grpc
import recording
from aims import Ratio, ratio
from bytes_figures import statevector_circuit
from process_memory import forget_peak, peak_bytes, resident_bytes
from processes import longwire_server, raw_server
from raw_server import CHUNK_BYTES, CHUNKS

from longwire import RemoteProvider
from longwire.v1.job_service_pb2 import GetResultRequest
from longwire.v1.job_service_pb2_grpc import JobServiceStub

ROUNDS = 2 if recording.QUICK else 4
QUBITS = 18 if recording.QUICK else 24
RUN_SECONDS = 300


def run(address: str) -> str:
    """Runs the job whose result is fetched, and returns its id."""
    with RemoteProvider(address) as provider:
        job = provider.get_backend("aer_simulator").run(statevector_circuit(QUBITS))
        job.wait_for_final_state(timeout=RUN_SECONDS)
        message = job.error_message()
        if message is not None:
            raise RuntimeError(message)
        return str(job.job_id())


def fetch(stream: Iterable[Any], size: Callable[[Any], int]) -> tuple[int, float]:
    """Reads a stream to its end: bytes, and seconds."""
    begun = time.perf_counter()
    total_bytes = sum(size(message) for message in stream)
    return total_bytes, time.perf_counter() - begun


def measure() -> dict[str, Any]:
    """Rates of both streams, taking turns, and the memory of the server meanwhile."""
    rates: dict[str, list[float]] = {"raw stream": [], "GetResult": []}
    extra_bytes = []
    with raw_server() as raw, longwire_server() as longwire:
        job_id = run(longwire.address)
        with (
            grpc.insecure_channel(raw.address) as raw_channel,
            grpc.insecure_channel(longwire.address) as channel,
        ):
            chunks = raw_channel.unary_stream(CHUNKS)
            get_result = JobServiceStub(channel).GetResult
            for _ in range(ROUNDS + 1):
                before = resident_bytes(longwire.pid)
                forget_peak(longwire.pid)
                total_bytes, seconds = fetch(
                    get_result(GetResultRequest(job_id=job_id)),
                    lambda response: len(response.chunk),
                )
                extra_bytes.append(peak_bytes(longwire.pid) - before)
                rates["GetResult"].append(round(total_bytes / seconds / 1e6, 1))
                # The same number, so that compression makes no difference.
                total_bytes, seconds = fetch(chunks(str(total_bytes).encode()), len)
                rates["raw stream"].append(round(total_bytes / seconds / 1e6, 1))
    # The raw server makes its bytes in its first turn, which is not counted.
    return {
        "total_bytes": total_bytes,
        "mb_per_second": {name: each[1:] for name, each in rates.items()},
        "extra_peak_bytes": extra_bytes[1:],
        "extra_peak_bytes_of_the_first": extra_bytes[0],
    }


def ratios(figures: dict[str, Any]) -> dict[str, Ratio]:
    """What the figures say about the aims."""
    rate = {k: statistics.median(v) for k, v in figures["mb_per_second"].items()}
    chunks = max(figures["extra_peak_bytes"]) / CHUNK_BYTES
    first = figures["extra_peak_bytes_of_the_first"] / CHUNK_BYTES
    return {
        "rate, GetResult / raw stream": ratio(rate["GetResult"] / rate["raw stream"], at_least=0.7),
        "server's extra memory, chunks of 512 KiB": ratio(chunks, at_most=3),
        "server's extra memory, the first time, chunks": ratio(first, at_most=3),
    }


def main() -> None:
    recorded = recording.begin() | {"qubits": QUBITS}
    recorded |= measure()
    recorded["ratios"] = ratios(recorded)
    for name, rates in recorded["mb_per_second"].items():
        print(f"{name:10} {', '.join(f'{rate:.0f}' for rate in rates)} MB/s")
    recording.finish("large_result_figures", recorded)


if __name__ == "__main__":
    main()
