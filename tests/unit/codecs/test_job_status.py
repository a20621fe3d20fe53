"""A status of a job crosses the wire with its further members."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st
from qiskit.providers import JobStatus as JobStatusEnum

from longwire.codecs.job_status import job_status_from_proto, job_status_to_proto
from longwire.errors import CodecError
from longwire.providers.models import JobStatus
from longwire.v1 import job_pb2

texts = st.text(st.characters(codec="utf-8"))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
documents = st.builds(
    lambda further, required: {**further, **required},
    st.dictionaries(texts, values, max_size=4),
    st.fixed_dictionaries(
        {
            "job_id": texts,
            "status": st.sampled_from(sorted(JobStatusEnum.__members__)),
            "status_msg": texts,
        }
    ),
)


@given(documents)
def test_job_status_crosses_the_wire_equal(document: dict[str, Any]) -> None:
    data = job_status_to_proto(JobStatus.from_dict(document)).SerializeToString()
    assert job_status_from_proto(job_pb2.JobStatus.FromString(data)).to_dict() == document


@pytest.mark.parametrize("state", list(JobStatusEnum))
def test_every_state_of_qiskit_has_its_number(state: JobStatusEnum) -> None:
    message = job_status_to_proto(JobStatus("1", state, ""))
    assert job_pb2.JobState.Name(message.status) == f"JOB_STATE_{state.name}"


def test_job_status_without_further_members_sends_none() -> None:
    assert not job_status_to_proto(JobStatus("1", "DONE", "")).HasField("extra")


@pytest.mark.parametrize("status", ["done", "", "UNSPECIFIED", None, 6])
def test_word_that_is_no_state_is_a_codec_error_that_lists_the_states(status: Any) -> None:
    with pytest.raises(CodecError, match=r"'id-1'.*is not the name of a state: .*RUNNING"):
        job_status_to_proto(JobStatus("id-1", status, ""))


def test_further_member_that_cannot_cross_is_a_codec_error_that_names_it() -> None:
    with pytest.raises(CodecError, match="handle"):
        job_status_to_proto(JobStatus("1", "DONE", "", handle=object()))


@pytest.mark.parametrize("number", [0, 99])
def test_state_that_is_unset_or_newer_is_a_codec_error(number: Any) -> None:
    with pytest.raises(CodecError, match=f"state {number} is unknown"):
        job_status_from_proto(job_pb2.JobStatus(job_id="1", status=number))


def test_required_fields_win_over_further_members_of_the_same_name() -> None:
    message = job_status_to_proto(JobStatus("1", "DONE", ""))
    field = message.extra.fields.add(name="job_id")
    field.value.string_value = "another"
    assert job_status_from_proto(message).job_id == "1"
