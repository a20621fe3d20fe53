"""What a server keeps of jobs that have ended, and what is told of what it keeps no more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from circuits import bell
from command_line import CommandLine
from qiskit.providers import JobStatus
from server_process import ServerProcess, configured_server, wait_until
from service_calls import recorded

from longwire import RemoteProvider
from longwire.errors import JobNotFoundError, ResultNotAvailableError

CONFIG = """
[retention]
{limits}

[[pool]]
name = "default"
processes = 1

[[backend]]
name = "gated"
factory = "gated_backend:GatedBackend"
max_attempts = 9
"""
SECONDS = 120
NOTHING = "results_days = 0.00001\njobs_days = 0.00001"


@contextmanager
def keeping(limits: str, data_dir: Path) -> Iterator[tuple[ServerProcess, RemoteProvider]]:
    """A server that keeps so much, and its provider."""
    with (
        configured_server(data_dir, CONFIG.format(limits=limits)) as server,
        RemoteProvider(server.address) as provider,
    ):
        yield server, provider


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ("results_days = 0.00001", "for 0.864 seconds, and at most 10 GiB of them"),
        (
            "results_days = 0.0005\nresults_bytes = 9",
            "for 43.2 seconds, and at most 9 bytes of them",
        ),
    ],
    ids=["age", "size"],
)
def test_result_goes_first_and_the_job_says_so(tmp_path: Path, limits: str, words: str) -> None:
    with keeping(limits, tmp_path / "server") as (server, provider):
        job = provider.get_backend("gated").run(bell(), job_name="kept", job_tags=["kept"])
        counts = job.result().get_counts()
        wait_until(lambda: recorded(server.address, job.job_id()).result_bytes == 0)
        # Whoever has it keeps it.
        assert job.result().get_counts() == counts
        found = provider.job(job.job_id())
        assert (found.status(), found.name()) == (JobStatus.DONE, "kept")
        found.wait_for_final_state()
        sentence = f"job {job.job_id()} is there no more: this server keeps results {words}"
        with pytest.raises(ResultNotAvailableError, match=re.escape(sentence)) as caught:
            found.result()
        assert caught.value.reason == "RESULT_NOT_AVAILABLE"
        assert [each.job_id() for each in provider.jobs(tag="kept")] == [job.job_id()]

        longwire = CommandLine(server.address, tmp_path)
        code, error = longwire.error("result", job.job_id())
        assert (code, error["reason"]) == (1, "RESULT_NOT_AVAILABLE")
        assert sentence in error["message"]
        assert (
            "removed: the server keeps results for a time" in longwire("job", job.job_id()).stdout
        )
        assert longwire("watch", job.job_id()).returncode == 0
        longwire.close()
        assert f"results removed: 1, with their programs; they are kept {words}" in server.log()


def test_job_goes_later_and_an_unfinished_one_never(tmp_path: Path, gate: Path) -> None:
    data_dir = tmp_path / "server"
    with keeping("", data_dir) as (_, provider):
        backend = provider.get_backend("gated")
        ended = backend.run(bell())
        counts = ended.result().get_counts()
        assert provider.job(ended.job_id()).result().get_counts() == counts
        running = backend.run(bell(), gate=str(gate))
        queued = backend.run(bell(), gate=str(gate))
    with keeping(NOTHING, data_dir) as (server, provider):
        wait_until(lambda: "jobs removed: 1; ended jobs are kept for 0.864 seconds" in server.log())
        with pytest.raises(JobNotFoundError, match=ended.job_id()):
            provider.job(ended.job_id())
        assert {job.job_id() for job in provider.jobs()} == {running.job_id(), queued.job_id()}
        longwire = CommandLine(server.address, tmp_path)
        assert longwire.error("result", ended.job_id())[1]["reason"] == "JOB_NOT_FOUND"
        longwire.close()
    gate.touch()
    with keeping("", data_dir) as (_, provider):
        for job in (running, queued):
            assert provider.job(job.job_id()).result(SECONDS).get_counts()


def test_number_of_jobs_is_a_limit_too(tmp_path: Path) -> None:
    with keeping("jobs = 2\nresults_days = 0.001", tmp_path / "server") as (server, provider):
        backend = provider.get_backend("gated")
        ids = []
        for _ in range(4):
            job = backend.run(bell(), shots=1)
            job.wait_for_final_state(SECONDS)
            ids.append(job.job_id())
        wait_until(lambda: len(provider.jobs()) == 2)
        assert [job.job_id() for job in provider.jobs()] == ids[:1:-1]
        # It is told after what it tells of.
        wait_until(lambda: "and at most 2 of them" in server.log())
