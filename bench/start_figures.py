"""How long a server with many jobs in its store takes until it serves. It gates nothing."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import recording
from aims import ratio

from longwire.v1 import job_service_pb2 as messages
from longwire.v1.job_pb2 import JobSpec, JobState
from longwire.v1.job_service_pb2_grpc import JobServiceStub
from longwire.v1.program_pb2 import Program, ProgramFormat
from longwire_server.store.job import Job
from longwire_server.store.migrate import migrate_store
from longwire_server.store.sql_job_store import SqlJobStore

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from postgresql_server import PostgresqlMissingError, PostgresqlServer

STARTS = 1 if recording.QUICK else 5
BATCH = 1000
AIM_SECONDS = 2
# No worker is ready for it before a start is over: the jobs stay as they are.
CONFIG = """
[server]
drain_grace_seconds = 0

[store]
url = "{url}"

[[pool]]
name = "default"
processes = 1

[[backend]]
name = "aer_simulator"
"""
PROGRAM = Program(
    format=ProgramFormat.PROGRAM_FORMAT_OPENQASM3,
    payloads=[
        b'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; h q[0]; c = measure q;'
    ],
)
SPEC = JobSpec(backend_name="aer_simulator", program=PROGRAM).SerializeToString()


@dataclasses.dataclass(frozen=True)
class Started:
    """One start, in seconds from the command to where it serves, and to its first answer."""

    listening: float
    answered: float


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Started]:
    """A server with the configuration in a folder, killed at the end of the block."""
    command = [sys.executable, "-m", "longwire_server", "serve", "--address", "localhost:0"]
    command += ["--config", str(folder / "longwire-server.toml"), "--data-dir", str(folder)]
    began = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            listening = time.perf_counter() - began
            if not line.startswith("listening on "):
                raise RuntimeError(f"the server did not start: {line!r}")
            with grpc.insecure_channel(line.removeprefix("listening on ")) as channel:
                request = messages.ListJobsRequest(page_size=1)
                JobServiceStub(channel).ListJobs(request, wait_for_ready=True)
            yield Started(listening, time.perf_counter() - began)
        finally:
            process.kill()


def job(number: int, owner: str) -> Job:
    return Job(
        job_id=f"{number:032x}",
        tenant="default",
        request_id="",
        spec_digest=bytes(32),
        backend_name="aer_simulator",
        name="",
        tags=(),
        state=JobState.JOB_STATE_QUEUED,
        sequence=1,
        attempt=0,
        create_time_us=time.time_ns() // 1000,
        lease_owner=owner,
    )


async def fill(url: str, owner: str, num_jobs: int, *, finished: bool) -> None:
    """Writes so many jobs, as the server of this id does."""
    store = SqlJobStore(url)
    await store.open()
    for first in range(0, num_jobs, BATCH):
        jobs = [job(number, owner) for number in range(first, first + BATCH)]
        await asyncio.gather(*(store.add(each, SPEC) for each in jobs))
        if finished:
            ended = [
                each.evolve(
                    state=JobState.JOB_STATE_DONE, sequence=3, end_time_us=each.create_time_us
                )
                for each in jobs
            ]
            expected = frozenset({JobState.JOB_STATE_QUEUED})
            await asyncio.gather(
                *(store.update(each, expected=expected, result=b"") for each in ended)
            )
    await store.close()


def measure(url: str, folder: Path, num_jobs: int, *, finished: bool) -> dict[str, Any]:
    """Starts a server over so many jobs."""
    folder.mkdir()
    (folder / "longwire-server.toml").write_text(CONFIG.format(url=url))
    with running(folder):
        pass
    if num_jobs:
        owner = (folder / "server_id").read_text().strip()
        asyncio.run(fill(url, owner, num_jobs, finished=finished))
    starts = []
    for _ in range(STARTS):
        with running(folder) as started:
            starts.append(started)
    return {
        "listening_seconds": [round(each.listening, 2) for each in starts],
        "answered_seconds": [round(each.answered, 2) for each in starts],
        "median_answered_seconds": round(statistics.median(each.answered for each in starts), 2),
    }


@contextlib.contextmanager
def stores(folder: Path) -> Iterator[dict[str, Any]]:
    """For each kind of store, what makes the URL of an empty one."""
    makers: dict[str, Any] = {"sqlite": lambda name: f"sqlite:///{folder}/{name}/longwire.db"}
    with contextlib.ExitStack() as stack:
        try:
            postgresql = PostgresqlServer()
        except PostgresqlMissingError as missing:
            print(f"left out: {missing}")
        else:
            stack.callback(postgresql.remove)

            def database(_name: str) -> str:
                name = stack.enter_context(postgresql.bare_database())
                migrate_store(postgresql.url(name))
                return postgresql.url(name)

            makers["postgresql"] = database
        yield makers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    default = BATCH if recording.QUICK else 100_000
    parser.add_argument("--jobs", type=int, default=default, help="how many jobs are in the store")
    parser.add_argument("--quick", action="store_true", help="few, and nothing is kept")
    num_jobs = parser.parse_args().jobs // BATCH * BATCH
    recorded: dict[str, Any] = {"environment": recording.environment(), "jobs": num_jobs}
    ratios = {}
    cases = {"empty": (0, False), "finished": (num_jobs, True), "queued": (num_jobs, False)}
    with tempfile.TemporaryDirectory() as scratch, stores(Path(scratch)) as makers:
        for kind, make in makers.items():
            for case, (count, finished) in cases.items():
                name = f"{kind}-{case}"
                figures = measure(make(name), Path(scratch) / name, count, finished=finished)
                recorded[name] = figures
                ratios[f"{name}, {count} jobs: serving after, s"] = ratio(
                    figures["median_answered_seconds"], at_most=AIM_SECONDS
                )
                print(
                    f"{name:20} {count:7d} jobs: serving after",
                    f"{', '.join(map(str, figures['answered_seconds']))} s",
                )
    recording.finish("start_figures", recorded | {"ratios": ratios})


if __name__ == "__main__":
    main()
