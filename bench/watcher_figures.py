"""``make bench``: many who watch a job, and how soon all of them hear of an event."""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import grpc.aio
import recording
import uvloop
from aims import Ratio, ratio
from clients import bell
from process_memory import resident_bytes
from processes import HERE, Server, longwire_server, raw_server
from qiskit.providers import JobStatus
from raw_server import LISTEN, TELL
from timing import summary_ms

from longwire import RemoteProvider
from longwire.v1.job_event_pb2 import JobEvent
from longwire.v1.job_pb2 import JobSpec
from longwire.v1.job_service_pb2 import CancelJobRequest, SubmitJobRequest, WatchJobRequest
from longwire.v1.job_service_pb2_grpc import JobServiceStub
from longwire.v1.program_pb2 import Program, ProgramFormat

WATCHERS = 50 if recording.QUICK else 1000
ROUNDS = 2 if recording.QUICK else 5
CHANNELS = 8
BACKEND = "busy"
# The first job keeps its one worker for good.
CONFIG = """
[[pool]]
name = "default"
processes = 1

[[backend]]
name = "busy"
factory = "busy_backend:BusyBackend"
"""
PROGRAM = Program(
    format=ProgramFormat.PROGRAM_FORMAT_OPENQASM3,
    payloads=[b'OPENQASM 3.0; include "stdgates.inc"; qubit[1] q; bit[1] c; c = measure q;'],
)
# From opening a stream to what it is told at once, and from the event to its end.
LIMIT_SECONDS = 60
Channels = list[grpc.aio.Channel]
Watch = Callable[[grpc.aio.Channel, asyncio.Event], Awaitable[float]]


@contextlib.contextmanager
def busy_server() -> Iterator[Server]:
    """A server whose only worker has a job that never ends."""
    # Where it finds the backend.
    os.environ["PYTHONPATH"] = str(HERE)
    with longwire_server(CONFIG, kill=True) as server:
        with RemoteProvider(server.address) as provider:
            job = provider.get_backend(BACKEND).run(bell())
            while job.status() is not JobStatus.RUNNING:
                time.sleep(0.01)
        yield server


@contextlib.asynccontextmanager
async def connected(address: str) -> AsyncIterator[Channels]:
    """Connections of their own to a server."""
    # Channels of equal options would share one connection.
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with contextlib.AsyncExitStack() as stack:
        channels = [
            await stack.enter_async_context(grpc.aio.insecure_channel(address, options))
            for _ in range(CHANNELS)
        ]
        for channel in channels:
            await channel.channel_ready()
        yield channels


async def listen(channel: grpc.aio.Channel, opened: asyncio.Event) -> float:
    """Listens to the raw server; seconds from its event to here."""
    stream = channel.unary_stream(LISTEN)(b"")
    await stream.read()
    opened.set()
    told = await stream.read()
    return time.time() - float(told)


def watch_of(job_id: str) -> Watch:
    """Watches a job until it is cancelled; seconds from that event to here."""

    async def watch(channel: grpc.aio.Channel, opened: asyncio.Event) -> float:
        async for response in JobServiceStub(channel).WatchJob(WatchJobRequest(job_id=job_id)):
            now = time.time()
            opened.set()
            last: JobEvent = response.events[-1]
            if last.HasField("finished"):
                return now - last.event_time.ToNanoseconds() / 1e9
        raise RuntimeError("the watch ended before the job did")

    return watch


async def one_round(
    server: Server, channels: Channels, watch: Watch, tell: Callable[[], Awaitable[object]]
) -> tuple[list[float], float]:
    """Opens all streams and has an event happen.

    Returns:
        The delay of every watcher in seconds, and the server's memory for each in bytes.
    """
    before = resident_bytes(server.pid)
    opened = [asyncio.Event() for _ in range(WATCHERS)]
    watchers = [
        asyncio.create_task(watch(channels[number % CHANNELS], each))
        for number, each in enumerate(opened)
    ]
    async with asyncio.timeout(LIMIT_SECONDS):
        await asyncio.gather(*(each.wait() for each in opened))
        held = (resident_bytes(server.pid) - before) / WATCHERS
        await tell()
        return await asyncio.gather(*watchers), held


async def raw_round(server: Server, channels: Channels) -> tuple[list[float], float]:
    """The floor: nothing but streams."""
    tell = channels[0].unary_unary(TELL)
    return await one_round(server, channels, listen, lambda: tell(b""))


async def longwire_round(server: Server, channels: Channels) -> tuple[list[float], float]:
    """All watch one job, which waits in the queue and is cancelled."""
    jobs = JobServiceStub(channels[0])
    spec = JobSpec(backend_name=BACKEND, program=PROGRAM)
    job_id = (await jobs.SubmitJob(SubmitJobRequest(spec=spec))).job.job_id
    return await one_round(
        server,
        channels,
        watch_of(job_id),
        lambda: jobs.CancelJob(CancelJobRequest(job_id=job_id)),
    )


async def measure(raw: Server, longwire: Server) -> dict[str, Any]:
    """Both, taking turns."""
    delays: dict[str, list[float]] = {"raw streams": [], "watchers": []}
    held: dict[str, list[float]] = {"raw streams": [], "watchers": []}
    async with connected(raw.address) as raw_channels, connected(longwire.address) as channels:
        for _ in range(ROUNDS):
            for name, taken in (
                ("raw streams", await raw_round(raw, raw_channels)),
                ("watchers", await longwire_round(longwire, channels)),
            ):
                delays[name] += taken[0]
                held[name].append(round(taken[1]))
    return {
        "delay": {name: summary_ms(each) for name, each in delays.items()},
        # The first round's counts: later ones find the memory that it has left.
        "bytes_per_watcher": held,
        "delay_mean_ms": {k: round(statistics.mean(v) * 1e3, 1) for k, v in delays.items()},
    }


def ratios(figures: dict[str, Any]) -> dict[str, Ratio]:
    """What the figures say about the aims."""
    p99 = {name: each["p99_ms"] for name, each in figures["delay"].items()}
    kb = {name: each[0] / 1e3 for name, each in figures["bytes_per_watcher"].items()}
    found = {
        f"{WATCHERS} watchers, p99 from the event to each, ms": ratio(p99["watchers"], at_most=250),
        f"{WATCHERS} watchers, p99, watchers / raw streams": ratio(
            p99["watchers"] / p99["raw streams"]
        ),
        "server's memory for a watcher, kB": ratio(kb["watchers"], at_most=50),
    }
    # The raw server's few streams may fit into what it holds already.
    if kb["raw streams"]:
        found["memory for a watcher / for a raw stream"] = ratio(kb["watchers"] / kb["raw streams"])
    return found


def main() -> None:
    recorded = recording.begin() | {"watchers": WATCHERS}
    with raw_server() as raw, busy_server() as longwire:
        recorded |= uvloop.run(measure(raw, longwire))
    recorded["ratios"] = ratios(recorded)
    for name, each in recorded["delay"].items():
        print(f"{name:12} p50 {each['p50_ms']:7.1f} ms   p99 {each['p99_ms']:7.1f} ms")
    recording.finish("watcher_figures", recorded)


if __name__ == "__main__":
    main()
