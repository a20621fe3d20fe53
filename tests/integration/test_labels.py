"""Names and tags of jobs, and how they are changed."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from circuits import bell
from qiskit.providers import JobStatus
from server_process import running_server
from service_calls import refusal

from longwire import RemoteBackend, RemoteProvider, RemoteService
from longwire.errors import InvalidArgumentError, JobNotFoundError, ResultNotAvailableError
from longwire.v1 import job_service_pb2 as messages
from longwire.v1.job_service_pb2 import JobTags, UpdateJobRequest
from longwire.v1.job_service_pb2_grpc import JobServiceStub

SECONDS = 120


@pytest.fixture
def jobs(server_address: str) -> Iterator[JobServiceStub]:
    """The service as a program in any language calls it."""
    with grpc.insecure_channel(server_address) as channel:
        yield JobServiceStub(channel)


def test_labels_of_a_job_that_has_ended_are_changed_for_everybody(
    aer: RemoteBackend, service: RemoteService
) -> None:
    job = aer.run(bell(), shots=1, job_name="first", job_tags=["a", "b"])
    counts = job.result().get_counts()
    elsewhere = service.job(job.job_id())
    assert job.update_name("second") == "second"
    assert job.update_tags(["c", "b"]) == ["c", "b"]
    assert job.add_tags("d", "c") == ["c", "b", "d"]
    assert job.remove_tags("b", "never there") == ["c", "d"]
    found = service.job(job.job_id())
    assert (found.name(), found.tags()) == ("second", ["c", "d"])
    assert found.status() is JobStatus.DONE
    assert job.result().get_counts() == counts
    # What was told before is not asked for again.
    assert (elsewhere.name(), elsewhere.tags()) == ("first", ["a", "b"])
    assert elsewhere.update_tags([]) == []
    assert elsewhere.name() == "second"
    # ... until another answer brings it.
    assert (job.update_name(""), job.tags()) == ("", [])
    clone = pickle.loads(pickle.dumps(job))
    assert (clone.name(), clone.tags(), clone.add_tags("e")) == ("", [], ["e"])


def test_labels_of_a_job_that_runs_are_changed_and_told_with_its_end(
    gated: RemoteBackend, one_worker_server: Any, gate: Path
) -> None:
    running = gated.run(bell(), gate=str(gate), job_tags=["a"])
    queued = gated.run(bell(), job_name="waits")
    with RemoteService(one_worker_server.address) as service:
        for job in (running, queued):
            elsewhere = service.job(job.job_id())
            before = elsewhere.status()
            elsewhere.add_tags("b")
            elsewhere.update_name("changed")
            assert elsewhere.status() is before
            assert elsewhere.name() == "changed"
        assert running.name() == ""
        gate.touch()
        for job, tags in ((running, ["a", "b"]), (queued, ["b"])):
            job.wait_for_final_state(SECONDS)
            assert job.status() is JobStatus.DONE
            assert (job.name(), job.tags()) == ("changed", tags)
            found = service.job(job.job_id())
            assert (found.name(), found.tags()) == ("changed", tags)


def test_job_is_found_by_its_name_and_its_new_tags(
    aer: RemoteBackend, provider: RemoteProvider, service: RemoteService
) -> None:
    jobs = [aer.run(bell(), shots=1, job_tags=["found by name"]) for _ in range(3)]
    for job in jobs:
        job.wait_for_final_state(SECONDS)
    jobs[0].update_name("the name of one")
    jobs[1].update_name("the name of one and more")
    jobs[2].update_tags(["found by another tag"])

    for session in (provider, service):
        (found,) = session.jobs(name="the name of one")
        assert found.job_id() == jobs[0].job_id()
        assert session.jobs(name="the name of") == []
    (found,) = service.jobs(name="the name of one", job_tags=["found by name"])
    assert found.job_id() == jobs[0].job_id()
    assert provider.jobs(name="the name of one", tag="found by another tag") == []
    ids = {job.job_id() for job in provider.jobs(tag="found by name")}
    assert ids == {jobs[0].job_id(), jobs[1].job_id()}
    (found,) = provider.jobs(tag="found by another tag")
    assert found.job_id() == jobs[2].job_id()


def test_tags_that_many_add_at_the_same_time_are_all_there(
    gated: RemoteBackend, one_worker_server: Any, gate: Path
) -> None:
    job = gated.run(bell(), gate=str(gate), job_tags=["first"])
    tags = [f"tag {number}" for number in range(20)]

    def add(tag: str) -> None:
        with RemoteProvider(one_worker_server.address) as provider:
            provider.job(job.job_id()).add_tags(tag)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add, tags))
    with RemoteProvider(one_worker_server.address) as provider:
        found = provider.job(job.job_id()).tags()
        assert found[0] == "first"
        assert sorted(found[1:]) == sorted(tags)
    gate.touch()
    job.wait_for_final_state(SECONDS)
    assert sorted(job.tags()[1:]) == sorted(tags)


def test_labels_survive_the_end_of_the_server(tmp_path: Path) -> None:
    with running_server(tmp_path) as server, RemoteProvider(server.address) as provider:
        backend = provider.get_backend("aer_simulator")
        job = backend.run(bell(), shots=1, job_tags=["a"])
        job.wait_for_final_state(SECONDS)
        job.update_name("kept")
        job.add_tags("b")
        server.kill()
    with running_server(tmp_path) as server, RemoteProvider(server.address) as provider:
        found = provider.job(job.job_id())
        assert (found.name(), found.tags()) == ("kept", ["a", "b"])
        assert [each.job_id() for each in provider.jobs(tag="b")] == [job.job_id()]


def test_change_keeps_sequence_and_request_id(aer: RemoteBackend, jobs: JobServiceStub) -> None:
    job = aer.run(bell(), shots=1)
    job.wait_for_final_state(SECONDS)
    before = jobs.GetJob(messages.GetJobRequest(job_id=job.job_id())).job
    request = UpdateJobRequest(job_id=job.job_id(), name="new", tags=JobTags(tags=["x"]))
    after = jobs.UpdateJob(request).job
    assert after == jobs.GetJob(messages.GetJobRequest(job_id=job.job_id())).job
    before.name, before.tags[:] = "new", ["x"]
    assert after == before
    # A retry changes nothing more.
    assert jobs.UpdateJob(request).job == after


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (UpdateJobRequest(), "name"),
        (UpdateJobRequest(name="n" * 129), "name"),
        (UpdateJobRequest(tags=JobTags(tags=[""])), "tags.tags[0]"),
        (UpdateJobRequest(add_tags=["a\nb"]), "add_tags[0]"),
        (UpdateJobRequest(tags=JobTags(tags=["x"] * 33)), "tags.tags"),
    ],
    ids=["nothing", "long name", "empty tag", "two lines", "many tags"],
)
def test_change_that_no_job_can_have_is_refused(
    aer: RemoteBackend, jobs: JobServiceStub, request_: UpdateJobRequest, field: str
) -> None:
    request_.job_id = aer.run(bell(), shots=1).job_id()
    status, info = refusal(lambda: [jobs.UpdateJob(request_)])
    assert info.reason == "ARGUMENT_INVALID"
    assert status.message.startswith(f"{field}: ")


def test_labels_that_are_none_are_refused(aer: RemoteBackend) -> None:
    job = aer.run(bell(), shots=1)
    with pytest.raises(InvalidArgumentError, match="at most 128 fit"):
        job.update_name("n" * 129)
    with pytest.raises(InvalidArgumentError, match="is a text, not 3"):
        job.update_name(3)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match=r"write \['one'\]"):
        job.update_tags("one")
    with pytest.raises(InvalidArgumentError, match="a list of texts"):
        job.add_tags("a", 1)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="would have 33 tags; at most 32 fit"):
        job.update_tags([str(number) for number in range(33)])
    assert job.add_tags() == job.remove_tags() == []


def test_deleted_job_has_no_labels_to_change(aer: RemoteBackend) -> None:
    job = aer.run(bell(), shots=1)
    job.wait_for_final_state(SECONDS)
    job.delete()
    for relabel in (lambda: job.update_name("x"), lambda: job.add_tags("x")):
        with pytest.raises(JobNotFoundError, match=job.job_id()):
            relabel()


def test_running_job_cannot_be_deleted(gated: RemoteBackend, gate: Path) -> None:
    job = gated.run(bell(), gate=str(gate))
    with pytest.raises(ResultNotAvailableError, match="wait until it has finished, or cancel"):
        job.delete()
    gate.touch()
    job.wait_for_final_state(SECONDS)
    job.delete()
