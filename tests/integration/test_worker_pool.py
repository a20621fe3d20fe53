"""A pool of real worker processes, without a server around it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import uvloop
from qiskit import QuantumCircuit
from server_process import DRIVERS, START_SECONDS

from longwire.codecs.payloads_digest import payloads_digest
from longwire.codecs.program import program_to_proto
from longwire.v1.job_pb2 import JobSpec
from longwire.v1.program_pb2 import TranspileOptions
from longwire_server.backends.spec import BackendSpec
from longwire_server.execution import worker_pool
from longwire_server.execution.executor import (
    AttemptListener,
    BackendLoadError,
    Executed,
    Failed,
    Outcome,
)
from longwire_server.execution.frames_pb2 import ProgramLimits, WorkerSettings
from longwire_server.execution.worker_pool import WorkerPool
from longwire_server.execution.worker_process import WorkerProcess

Body = Callable[[WorkerPool], Awaitable[None]]


@pytest.fixture
def calibration(tmp_path: Path) -> Path:
    """The file with the device's calibration: see ``tests/drivers/calibrated_backend.py``."""
    path = tmp_path / "calibration"
    path.write_text("0.25")
    return path


@pytest.fixture
def with_pool(calibration: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Body], None]:
    """Runs a coroutine function on a pool with one worker, which hosts the device."""
    monkeypatch.setenv("PYTHONPATH", str(DRIVERS))
    spec = BackendSpec(
        name="calibrated",
        target="calibrated_backend:CalibratedBackend",
        arguments={"calibration": str(calibration)},
    )
    settings = WorkerSettings(
        backend_specs=[spec.to_json()], threads=1, loaded_backends=1, sandbox="off"
    )

    def run(body: Body) -> None:
        async def main() -> None:
            pool = WorkerPool("default", 1, settings, lambda: None)
            try:
                async with asyncio.timeout(START_SECONDS):
                    await body(pool)
            finally:
                await pool.stop()

        # The server's event loop: it alone tells how a process ended that it did not end.
        uvloop.run(main())

    return run


def calibrate(calibration: Path, text: str) -> None:
    calibration.write_text(text)


async def all_workers(pool: WorkerPool, number: int, backend_name: str) -> list[WorkerProcess]:
    """The workers of a pool, taken as soon as they are idle."""
    workers: list[WorkerProcess] = []
    while len(workers) < number:
        worker = pool.take(backend_name, "default")
        if worker is None:
            await asyncio.sleep(0.01)
        else:
            workers.append(worker)
    return workers


def test_backend_is_described_again_as_it_is_by_then(
    with_pool: Callable[[Body], None], calibration: Path
) -> None:
    async def body(pool: WorkerPool) -> None:
        first = await pool.describe("calibrated")
        again = await pool.describe_again("calibrated")
        assert again == first
        calibrate(calibration, "0.125")
        changed = await pool.describe_again("calibrated")
        assert changed is not None
        assert changed.target.sha256 != first.target.sha256

    with_pool(body)


def test_busy_pool_describes_nothing_again(with_pool: Callable[[Body], None]) -> None:
    async def body(pool: WorkerPool) -> None:
        first = await pool.describe("calibrated")
        worker = pool.take("calibrated", "default")
        assert worker is not None
        assert await pool.describe_again("calibrated") is None
        pool.release(worker)
        assert await pool.describe_again("calibrated") == first

    with_pool(body)


def test_device_that_never_answers_costs_its_worker_and_no_other(
    with_pool: Callable[[Body], None], calibration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_pool, "_DESCRIBE_AGAIN_SECONDS", 0.5)

    async def body(pool: WorkerPool) -> None:
        first = await pool.describe("calibrated")
        calibrate(calibration, "silence")
        with pytest.raises(BackendLoadError, match="did not describe it within") as caught:
            await pool.describe_again("calibrated")
        assert caught.value.ended_worker
        calibrate(calibration, "0.25")
        # By the worker that takes its place.
        assert (await pool.describe("calibrated")).target == first.target

    with_pool(body)


def test_error_of_a_driver_leaves_the_worker(
    with_pool: Callable[[Body], None], calibration: Path
) -> None:
    async def body(pool: WorkerPool) -> None:
        first = await pool.describe("calibrated")
        calibrate(calibration, "the cryostat is warm")
        with pytest.raises(BackendLoadError, match="the cryostat is warm") as caught:
            await pool.describe_again("calibrated")
        assert not caught.value.ended_worker
        calibrate(calibration, "0.25")
        assert await pool.describe_again("calibrated") == first

    with_pool(body)


def test_log_tells_how_a_worker_without_a_job_ended(
    with_pool: Callable[[Body], None], caplog: pytest.LogCaptureFixture
) -> None:
    async def body(pool: WorkerPool) -> None:
        [worker] = await all_workers(pool, 1, "calibrated")
        os.kill(worker.pid, signal.SIGKILL)
        # There is another when it is gone.
        await all_workers(pool, 1, "calibrated")
        assert f"{worker.pid} ended (The worker process was ended by SIGKILL)" in caplog.text

    with_pool(body)


class Unheard(AttemptListener):
    """An attempt that nobody follows."""

    def running(self) -> None:
        """It runs."""

    def progress(self, finished: int, total: int) -> None:
        """It goes on."""

    def pub_finished(self, result: bytes) -> None:
        """A pub is finished."""


def test_worker_that_was_not_asked_transpiles_for_the_new_target(
    calibration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(DRIVERS))
    backend = BackendSpec(
        name="line",
        target="line_backend:LineBackend",
        arguments={"calibration": str(calibration)},
    )
    settings = WorkerSettings(
        backend_specs=[backend.to_json()],
        threads=1,
        loaded_backends=1,
        result_bytes=1 << 20,
        sandbox="off",
    )
    circuit = QuantumCircuit(3, 1)
    circuit.cx(1, 2)
    circuit.measure(2, 0)
    program = program_to_proto(circuit)
    program.payloads_sha256 = payloads_digest(program.payloads)
    how = TranspileOptions(initial_layout=[0, 1, 2])
    spec = JobSpec(backend_name="line", program=program, transpile=how).SerializeToString()

    async def outcomes(pool: WorkerPool) -> list[Outcome]:
        """How the job ends on each worker."""
        workers = await all_workers(pool, 2, "line")
        ended = [
            await each.execute("a job", spec, b"", Unheard(), ProgramLimits()) for each in workers
        ]
        for worker in workers:
            pool.release(worker)
        return ended

    async def body() -> None:
        pool = WorkerPool("default", 2, settings, lambda: None)
        try:
            async with asyncio.timeout(START_SECONDS):
                calibrate(calibration, "0.01")
                await pool.describe("line")
                assert [type(each) for each in await outcomes(pool)] == [Executed, Executed]
                # With this error rate the qubits 1 and 2 are not coupled.
                calibrate(calibration, "0.25")
                await pool.describe_again("line")
                for outcome in await outcomes(pool):
                    assert isinstance(outcome, Failed)
                    assert "disconnected" in outcome.message
        finally:
            await pool.stop()

    uvloop.run(body())
