"""Which record of a job counts, where several are told."""

from __future__ import annotations

import copy
import pickle

import pytest
from scripted_jobs import job

from longwire.following.job_record import JobRecord
from longwire.transport.connection import Connection
from longwire.transport.interruption import Interruption
from longwire.transport.job_calls import JobCalls
from longwire.v1.job_pb2 import Job
from longwire.v1.result_pb2 import EncodedResult

RESULT = EncodedResult(data=b"result")


def record(message: Job) -> JobRecord:
    """A record that asks no server."""
    return JobRecord(message, JobCalls(Connection("localhost:1")))


def test_newer_record_is_taken_over_and_an_older_one_is_not() -> None:
    known = record(job("VALIDATING", 2))
    known.take_over(job("QUEUED", 1))
    assert known.message == job("VALIDATING", 2)
    known.take_over(job("RUNNING", 3))
    assert known.message == job("RUNNING", 3)


def test_record_of_the_same_state_brings_its_progress() -> None:
    known = record(job("RUNNING", 3))
    known.take_over(job("RUNNING", 3, progress={"finished": 1, "total": 2}))
    assert known.message.progress.finished == 1


def test_final_record_counts_whatever_its_sequence_and_stays() -> None:
    known = record(job("RUNNING", 30))
    known.take_over(job("DONE", 4), RESULT)
    known.take_over(job("RUNNING", 31))
    known.take_over(job("ERROR", 32))
    assert known.message == job("DONE", 4)
    assert known.is_final
    # Nobody is asked.
    assert known.refresh() == job("DONE", 4)
    assert known.result(None, Interruption()) == RESULT


def test_labels_are_taken_over_in_any_state_and_nothing_else_from_an_older_record() -> None:
    known = record(job("RUNNING", 3, name="old", tags=["a"]))
    known.take_labels(job("QUEUED", 2, name="new", tags=["b", "c"]))
    assert known.message == job("RUNNING", 3, name="new", tags=["b", "c"])
    known.take_over(job("DONE", 4, name="new", tags=["b", "c"]), RESULT)
    known.take_labels(job("DONE", 4))
    assert known.message == job("DONE", 4)
    assert known.result(None, Interruption()) == RESULT


def test_answer_to_new_labels_of_a_job_that_has_ended_is_its_final_record() -> None:
    known = record(job("RUNNING", 3))
    known.take_labels(job("DONE", 4, name="new"))
    assert known.is_final
    assert known.message.name == "new"


def test_final_record_is_followed_without_a_call() -> None:
    seen: list[Job] = []
    record(job("CANCELLED")).follow(seen.append, None, Interruption())
    assert seen == [job("CANCELLED")]


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_copy_knows_the_same_and_goes_its_own_way(clone: object) -> None:
    known = record(job("RUNNING", 3))
    assert callable(clone)
    other = clone(known)
    other.take_over(job("DONE", 4), RESULT)
    assert (known.message, other.message) == (job("RUNNING", 3), job("DONE", 4))
