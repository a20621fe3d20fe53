"""The executor with real worker processes, without a server around it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import uvloop
from qiskit import QuantumCircuit
from server_process import DRIVERS, START_SECONDS

from longwire.codecs.program import program_to_proto
from longwire.v1.job_pb2 import JobSpec
from longwire_server.backends.spec import BackendSpec
from longwire_server.config import PoolSection
from longwire_server.execution.executor import AttemptListener, Executed, Outcome
from longwire_server.execution.frames_pb2 import ProgramLimits
from longwire_server.execution.local_executor import LocalExecutor

BACKENDS = [f"device-{number}" for number in range(64)]


class Deaf(AttemptListener):
    """Listens to nothing."""

    def running(self) -> None:
        pass

    def progress(self, finished: int, total: int) -> None:
        pass

    def pub_finished(self, result: bytes) -> None:
        pass


async def flip(executor: LocalExecutor, backend_name: str) -> Outcome:
    """Runs a circuit on the only worker."""
    circuit = QuantumCircuit(1)
    circuit.x(0)
    circuit.measure_all()
    spec = JobSpec(backend_name=backend_name, program=program_to_proto(circuit))
    worker = executor.take("default", backend_name, "default")
    assert worker is not None
    payload = spec.SerializeToString()
    try:
        return await worker.execute("0" * 32, payload, b"", Deaf(), ProgramLimits())
    finally:
        executor.release("default", worker)


def test_jobs_in_turn_on_64_backends_load_none_of_them_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(DRIVERS))
    log = tmp_path / "log"
    specs = [
        BackendSpec(
            name=name,
            target="counted_backend:counted",
            arguments={"log": str(log)},
        )
        for name in BACKENDS
    ]
    pool = PoolSection(name="default", processes=1, sandbox="off")

    async def main() -> None:
        executor = LocalExecutor([pool], specs, result_bytes=1 << 20)
        await executor.start(lambda _pool: None)
        try:
            async with asyncio.timeout(START_SECONDS):
                for name in BACKENDS:
                    await executor.describe("default", name)
                for name in BACKENDS:
                    assert isinstance(await flip(executor, name), Executed), name
        finally:
            await executor.stop()

    uvloop.run(main())
    assert log.read_text().splitlines() == ["loaded"] * len(BACKENDS)
