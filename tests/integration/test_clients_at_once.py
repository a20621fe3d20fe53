"""Clients in threads, processes and event loops; Ctrl-C; forks."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import circuits
import pytest
from circuits import asymmetric, bell
from client_work import counts_at, counts_with, result_of
from qiskit.providers import JobStatus
from qiskit_aer import AerSimulator
from server_process import START_SECONDS, wait_until

from longwire import RemoteBackend, RemoteProvider


def expected_counts(seed: int) -> dict[str, int]:
    """What a run with this seed gives."""
    result = AerSimulator().run(asymmetric(), shots=300, seed_simulator=seed).result()
    counts: dict[str, int] = result.get_counts()
    return counts


def test_sixteen_threads_on_one_backend_get_each_its_own_result(aer: RemoteBackend) -> None:
    seeds = range(64)
    with ThreadPoolExecutor(16) as threads:
        counts = list(threads.map(lambda seed: counts_with(aer, seed), seeds))
    assert counts == [expected_counts(seed) for seed in seeds]


def test_sixteen_threads_that_wait_for_one_job_all_get_its_result(
    gated: RemoteBackend, gate: Path
) -> None:
    job = gated.run(bell(), shots=10, gate=str(gate))
    with ThreadPoolExecutor(16) as threads:
        waiting = [threads.submit(job.result) for _ in range(16)]
        wait_until(job.running)
        gate.touch()
        counts = [each.result(START_SECONDS).get_counts() for each in waiting]
    assert counts == [job.result().get_counts()] * 16


def test_thread_that_waits_is_woken_by_another_threads_cancel(
    gated: RemoteBackend, gate: Path
) -> None:
    job = gated.run(bell(), gate=str(gate))
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(job.wait_for_final_state)
        wait_until(job.running)
        assert job.cancel()
        waiting.result(START_SECONDS)
    assert job.status() is JobStatus.CANCELLED


def test_processes_by_spawn_run_jobs_and_share_them(aer: RemoteBackend) -> None:
    job = aer.run(asymmetric(), shots=300, seed_simulator=1)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as processes:
        own = processes.submit(counts_at, aer.provider().address, 2)
        sent = processes.submit(counts_with, aer, 3)
        shared = processes.submit(result_of, aer.provider().address, job.job_id())
        assert own.result(START_SECONDS) == expected_counts(2)
        assert sent.result(START_SECONDS) == expected_counts(3)
        assert shared.result(START_SECONDS) == expected_counts(1)


def test_client_inside_a_running_event_loop_works(aer: RemoteBackend) -> None:
    async def main() -> list[dict[str, int]]:
        here = counts_with(aer, 1)
        there = await asyncio.gather(
            *(asyncio.to_thread(counts_with, aer, seed) for seed in range(2, 6))
        )
        return [here, *there]

    assert asyncio.run(main()) == [expected_counts(seed) for seed in range(1, 6)]


WAIT_IN_RESULT = """
import sys
from longwire import RemoteProvider
job = RemoteProvider(sys.argv[1]).job(sys.argv[2])
print("waiting", flush=True)
job.result()
"""
WAIT_AFTER_AN_EVENT = """
import sys
from longwire import RemoteProvider
job = RemoteProvider(sys.argv[1]).job(sys.argv[2])
job.wait_for_final_state(callback=lambda *_: print("waiting", flush=True))
"""
WAIT_WITH_A_LIMIT = """
import sys
from longwire import RemoteProvider
job = RemoteProvider(sys.argv[1]).job(sys.argv[2])
print("waiting", flush=True)
job.result(timeout=3600)
"""
WAIT_FOR_EVENTS = """
import sys
from longwire import RemoteProvider
job = RemoteProvider(sys.argv[1]).job(sys.argv[2])
for event in job.events():
    print("waiting", flush=True)
"""
WAIT_IN_AN_EVENT_LOOP = """
import asyncio, sys
from longwire import RemoteProvider
async def main():
    job = RemoteProvider(sys.argv[1]).job(sys.argv[2])
    print("waiting", flush=True)
    await job.result_async()
asyncio.run(main())
"""
WAIT_AND_SHOW_PROGRESS = """
import io, sys
from longwire import RemoteProvider
job = RemoteProvider(sys.argv[1]).job(sys.argv[2])
standard_error = sys.stderr
try:
    sys.stderr = io.StringIO()
    print("waiting", flush=True)
    job.result(progress=True)
finally:
    sys.stderr = standard_error
"""
WAIT_AND_TRY_AGAIN = """
import sys
from longwire import RemoteProvider
job = RemoteProvider(sys.argv[1]).job(sys.argv[2])
try:
    print("waiting", flush=True)
    job.result()
except KeyboardInterrupt:
    print("interrupted", flush=True)
print(sum(job.result().get_counts().values()), flush=True)
"""


def start_client(script: str, *arguments: str) -> subprocess.Popen[str]:
    """A client process that says when it waits."""
    client = subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A group of its own, as a terminal's foreground job is.
        start_new_session=True,
    )
    assert client.stdout is not None
    # Byte by byte: what a buffer took of the next line, communicate() would not see.
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(client.stdout.fileno(), 1)):
        line += byte
    assert line == b"waiting\n"
    return client


@pytest.mark.parametrize(
    "script",
    [
        WAIT_IN_RESULT,
        WAIT_AFTER_AN_EVENT,
        WAIT_WITH_A_LIMIT,
        WAIT_FOR_EVENTS,
        WAIT_IN_AN_EVENT_LOOP,
        WAIT_AND_SHOW_PROGRESS,
    ],
    ids=[
        "in result",
        "after an event",
        "with a time limit",
        "for events",
        "in an event loop",
        "with progress",
    ],
)
def test_ctrl_c_ends_a_wait_and_the_job_goes_on(
    gated: RemoteBackend, gate: Path, script: str
) -> None:
    job = gated.run(bell(), shots=10, gate=str(gate))
    wait_until(job.running)
    with start_client(script, gated.provider().address, job.job_id()) as client:
        os.killpg(client.pid, signal.SIGINT)
        _, errors = client.communicate(timeout=30)
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert client.returncode == -signal.SIGINT
    assert job.running()
    gate.touch()
    assert job.result().success


def test_result_after_ctrl_c_in_result_waits_on(gated: RemoteBackend, gate: Path) -> None:
    job = gated.run(bell(), shots=10, gate=str(gate))
    wait_until(job.running)
    with start_client(WAIT_AND_TRY_AGAIN, gated.provider().address, job.job_id()) as client:
        assert client.stdout is not None
        os.killpg(client.pid, signal.SIGINT)
        assert client.stdout.readline() == "interrupted\n"
        gate.touch()
        output, errors = client.communicate(timeout=60)
    assert (output, errors, client.returncode) == ("10\n", "", 0)


SUBMIT_AND_LEAVE = """
import sys
from circuits import bell
from longwire import RemoteProvider
job = RemoteProvider(sys.argv[1]).get_backend("gated").run(bell(), shots=10, gate=sys.argv[2])
print("waiting", flush=True)
print(job.job_id(), flush=True)
"""


def test_client_that_ends_without_waiting_is_silent_and_its_job_goes_on(
    gated: RemoteBackend, gate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(circuits.__file__).parent))
    with start_client(SUBMIT_AND_LEAVE, gated.provider().address, str(gate)) as client:
        output, errors = client.communicate(timeout=60)
    assert (errors, client.returncode) == ("", 0)
    gate.touch()
    assert gated.provider().job(output.strip()).result().success


FORKED = """
import os, sys, warnings
warnings.simplefilter("ignore")
from longwire import RemoteProvider
from longwire.errors import ServerUnreachableError
provider = RemoteProvider(sys.argv[1])
provider.backends()
print("waiting", flush=True)
child = os.fork()
if child == 0:
    try:
        provider.backends()
    except ServerUnreachableError as error:
        print(error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(len(provider.backends()) > 0, flush=True)
"""


def test_forked_child_is_told_what_to_do_and_its_parent_goes_on(server_address: str) -> None:
    with start_client(FORKED, server_address) as client:
        output, _ = client.communicate(timeout=60)
    told, parent = output.splitlines()
    assert "forked" in told
    assert "connect in the child" in told
    assert parent == "True"


def test_two_providers_in_one_process_do_not_disturb_each_other(server_address: str) -> None:
    with RemoteProvider(server_address) as one:
        with RemoteProvider(server_address) as two:
            assert two.backends()
        assert one.backends()
