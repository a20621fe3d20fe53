"""The record JobStatus keeps its further members through every way of copying it."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, strategies as st
from qiskit.providers import JobStatus as JobStatusEnum

from longwire.providers.models import JobStatus

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
documents = st.builds(
    lambda further, required: {**further, **required},
    st.dictionaries(st.text(), values, max_size=4),
    st.fixed_dictionaries(
        {
            "job_id": st.text(),
            "status": st.sampled_from(sorted(JobStatusEnum.__members__)),
            "status_msg": st.text(),
        }
    ),
)


@pytest.fixture
def status() -> JobStatus:
    return JobStatus("id-1", "RUNNING", "job is running", position=2, info={"queue": ["a"]})


@given(documents)
def test_to_dict_inverts_from_dict(document: dict[str, Any]) -> None:
    assert JobStatus.from_dict(document).to_dict() == document


def test_further_members_are_attributes_and_stand_in_the_dictionary(status: JobStatus) -> None:
    assert status.position == 2
    assert status.to_dict() == {
        "job_id": "id-1",
        "status": "RUNNING",
        "status_msg": "job is running",
        "position": 2,
        "info": {"queue": ["a"]},
    }


def test_further_member_that_is_set_reaches_the_dictionary(status: JobStatus) -> None:
    status.position = 1
    status.estimate_seconds = 30
    assert status.to_dict()["position"] == 1
    assert status.to_dict()["estimate_seconds"] == 30
    del status.position
    assert "position" not in status.to_dict()


def test_unknown_attribute_is_an_attribute_error_that_names_it(status: JobStatus) -> None:
    with pytest.raises(AttributeError, match="colour"):
        _ = status.colour


def test_member_named_like_a_method_does_not_hide_the_method() -> None:
    status = JobStatus.from_dict(
        {"job_id": "1", "status": "DONE", "status_msg": "", "to_dict": 5, "self": 6, "_extra": 7}
    )
    assert status.to_dict()["to_dict"] == 5
    assert status.to_dict()["self"] == 6
    assert status.to_dict()["_extra"] == 7


def test_to_dict_shares_nothing_with_the_status(status: JobStatus) -> None:
    status.to_dict()["info"]["queue"].append("b")
    assert status.info == {"queue": ["a"]}


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda status: pickle.loads(pickle.dumps(status))]
)
def test_duplicate_is_equal_and_separate(
    status: JobStatus, duplicate: Callable[[JobStatus], JobStatus]
) -> None:
    twin = duplicate(status)
    assert twin == status
    twin.position = 9
    twin.new = True
    assert status.position == 2
    assert "new" not in status


def test_job_status_equals_by_value(status: JobStatus) -> None:
    assert status == JobStatus.from_dict(status.to_dict())
    assert status != JobStatus("id-1", "RUNNING", "job is running")
    assert status != status.to_dict()


def test_job_status_takes_a_member_of_the_enum_by_its_name() -> None:
    assert JobStatus("1", JobStatusEnum.DONE, "").status == "DONE"


def test_job_status_repr_evaluates_to_an_equal_one(status: JobStatus) -> None:
    assert eval(repr(status)) == status


def test_job_status_without_a_required_member_is_refused_by_its_name() -> None:
    with pytest.raises(Exception, match="lacks status_msg"):
        JobStatus.from_dict({"job_id": "1", "status": "DONE"})


def test_job_status_in_a_notebook_escapes_every_text() -> None:
    html = JobStatus("<i>", "DONE", "a & b", **{"<x>": ["<y>"]})._repr_html_()
    assert "<i>" not in html
    assert "<x>" not in html
    assert "[&#x27;&lt;y&gt;&#x27;]" in html
