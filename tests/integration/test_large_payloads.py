"""A server that keeps every program and every result in a file, and files that are damaged."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from circuits import bell
from google.rpc import code_pb2
from server_process import ServerProcess, configured_server, wait_until
from service_calls import bell_spec, refusal, run

from longwire import RemoteProvider
from longwire.v1 import job_service_pb2 as messages
from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_pb2 import Job, JobState
from longwire.v1.job_service_pb2_grpc import JobServiceStub

# By another name of fsspec's than that of the default.
CONFIG = """
[store]
file_above_bytes = 0
payloads_url = "local://{data_dir}/large"

[[pool]]
name = "default"
processes = 1

[[backend]]
name = "gated"
factory = "gated_backend:GatedBackend"
"""
DONE, ERROR = JobState.JOB_STATE_DONE, JobState.JOB_STATE_ERROR


@contextlib.contextmanager
def serving(tmp_path: Path, address: str = "localhost:0") -> Iterator[ServerProcess]:
    with configured_server(tmp_path / "data", CONFIG, address=address) as server:
        yield server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """Such a server."""
    with serving(tmp_path) as running:
        yield running


@contextlib.contextmanager
def stub(server: ServerProcess) -> Iterator[JobServiceStub]:
    with grpc.insecure_channel(server.address) as channel:
        yield JobServiceStub(channel)


def file_of(tmp_path: Path, table: str, job_id: str = "") -> Path:
    """The file of a job's payload, or of the only program."""
    condition = f"job_id = '{job_id}'" if job_id else "TRUE"
    query = f"SELECT file_key FROM {table} WHERE {condition}"
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "longwire.db")) as connection:
        ((key,),) = connection.execute(query).fetchall()
    (path,) = (tmp_path / "data" / "large").glob(f"*/{key}")
    return path


def cut(path: Path) -> None:
    """Takes the last byte of a file away."""
    path.write_bytes(path.read_bytes()[:-1])


def state_of(jobs: JobServiceStub, job_id: str) -> Job:
    job: Job = jobs.GetJob(messages.GetJobRequest(job_id=job_id)).job
    return job


def wait_for_end(jobs: JobServiceStub, job_id: str) -> Job:
    wait_until(lambda: state_of(jobs, job_id).status.status in (DONE, ERROR))
    return state_of(jobs, job_id)


def test_truncated_result_is_refused_with_a_sentence_and_other_jobs_are_served(
    server: ServerProcess, tmp_path: Path
) -> None:
    with stub(server) as jobs:
        final = run(jobs, bell_spec())[-1].finished
        job_id = final.job.job_id
        assert final.job.status.status == DONE
        cut(file_of(tmp_path, "results", job_id))
        get = messages.GetResultRequest(job_id=job_id)
        status, info = refusal(lambda: jobs.GetResult(get))
        assert info.reason == "RESULT_NOT_AVAILABLE"
        assert status.code == code_pb2.FAILED_PRECONDITION
        assert "the stored payload is damaged: its file" in status.message
        # Who watches the job still learns that it is done.
        watched = list(jobs.WatchJob(messages.WatchJobRequest(job_id=job_id)))
        last = watched[-1].events[-1].finished
        assert last.job.status.status == DONE
        assert not last.HasField("result")
        jobs.DeleteJob(messages.DeleteJobRequest(job_id=job_id))
        assert run(jobs, bell_spec())[-1].finished.job.status.status == DONE
    assert "its result is lost: the stored payload is damaged" in server.log()


def test_job_whose_program_is_damaged_ends_in_an_error_and_holds_up_no_other(
    tmp_path: Path,
) -> None:
    gate = tmp_path / "gate"
    with serving(tmp_path) as server, stub(server) as jobs:
        ids = [
            jobs.SubmitJob(messages.SubmitJobRequest(spec=spec)).job.job_id
            for spec in (bell_spec(gate=gate), bell_spec(), bell_spec())
        ]
        server.kill()
    running, damaged, waiting = ids
    cut(file_of(tmp_path, "specs", damaged))
    gate.touch()
    with serving(tmp_path) as server, stub(server) as jobs:
        failed = wait_for_end(jobs, damaged)
        assert failed.status.status == ERROR
        assert failed.error.reason == ErrorReason.ERROR_REASON_INTERNAL
        assert "the stored payload is damaged: its file" in failed.error.message
        for job_id in (running, waiting):
            assert wait_for_end(jobs, job_id).status.status == DONE


def test_program_that_was_damaged_is_sent_again_by_the_client_without_a_word(
    tmp_path: Path,
) -> None:
    # Enough to be named by their digest when they are sent again.
    bells = [bell(f"bell{number}") for number in range(40)]
    with serving(tmp_path) as server, RemoteProvider(server.address) as provider:
        backend = provider.get_backend("gated")
        assert backend.run(bells, shots=10).result(timeout=60).success
        address = server.address
        server.terminate()
        path = file_of(tmp_path, "programs")
        cut(path)
        with serving(tmp_path, address) as again:
            assert backend.run(bells, shots=10).result(timeout=60).success
            again.terminate()
    assert file_of(tmp_path, "programs") != path
    assert not path.exists()
