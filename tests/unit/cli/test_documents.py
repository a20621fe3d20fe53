"""Messages as the documents of --json, and Python values in JSON's types."""

from __future__ import annotations

import datetime
import math

import numpy as np
import pytest
from qiskit.quantum_info import Statevector

from longwire.cli.documents import event_document, job_document
from longwire.cli.jsonable import jsonable
from longwire.v1.job_event_pb2 import JobEvent
from longwire.v1.job_pb2 import Job, JobKind, JobProgress


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (JobKind.JOB_KIND_UNSPECIFIED, "circuits"),
        (JobKind.JOB_KIND_CIRCUITS, "circuits"),
        (JobKind.JOB_KIND_SAMPLER, "sampler"),
        (JobKind.JOB_KIND_ESTIMATOR, "estimator"),
        (99, "kind 99"),
    ],
)
def test_job_tells_its_kind(kind: JobKind.ValueType, name: str) -> None:
    assert job_document(Job(kind=kind))["kind"] == name


def test_job_and_event_tell_the_progress_where_it_is_known() -> None:
    halfway = Job(progress=JobProgress(finished=5, total=10))
    assert job_document(halfway)["progress"] == {"finished": 5, "total": 10}
    assert event_document(JobEvent(), halfway)["progress"] == {"finished": 5, "total": 10}
    assert job_document(Job())["progress"] is None


@pytest.mark.parametrize(
    ("value", "in_json"),
    [
        pytest.param(1 - 2j, [1.0, -2.0], id="complex"),
        pytest.param(math.nan, None, id="NaN"),
        pytest.param((1, math.inf), [1, None], id="infinity"),
        pytest.param(np.float64(0.5), 0.5, id="number of NumPy"),
        pytest.param(np.array([[1j]]), [[[0.0, 1.0]]], id="array"),
        pytest.param(b"\x01\xff", "01ff", id="bytes"),
        pytest.param({1: {"a": None}}, {"1": {"a": None}}, id="map"),
        pytest.param(
            datetime.datetime(2026, 5, 1, tzinfo=datetime.UTC),
            "2026-05-01T00:00:00+00:00",
            id="time",
        ),
        pytest.param(Statevector([1, 0]), [[1.0, 0.0], [0.0, 0.0]], id="state"),
    ],
)
def test_value_becomes_what_json_has(value: object, in_json: object) -> None:
    assert jsonable(value) == in_json
