"""A status of a backend crosses the wire unchanged, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from longwire.codecs.backend_status import backend_status_from_proto, backend_status_to_proto
from longwire.errors import CodecError
from longwire.providers.models import BackendStatus
from longwire.v1 import backend_status_pb2

# Text without lone surrogates, which UTF-8 cannot hold.
texts = st.text(st.characters(codec="utf-8"))


@given(
    st.builds(
        BackendStatus,
        backend_name=texts,
        backend_version=st.from_regex(r"\A[0-9]+\.[0-9]+\.[0-9]+\Z"),
        operational=st.booleans(),
        pending_jobs=st.integers(min_value=0, max_value=2**64 - 1),
        status_msg=texts,
    )
)
def test_backend_status_crosses_the_wire_equal(status: BackendStatus) -> None:
    data = backend_status_to_proto(status).SerializeToString()
    received = backend_status_from_proto(backend_status_pb2.BackendStatus.FromString(data))
    assert received == status
    assert type(received.pending_jobs) is int


def test_message_has_exactly_the_fields_of_the_model() -> None:
    names = [field.name for field in backend_status_pb2.BackendStatus.DESCRIPTOR.fields]
    assert names == list(BackendStatus("name", "1.0.0", True, 0, "").to_dict())


@pytest.mark.parametrize(
    ("name", "jobs"), [("\ud800", 0), ("name", 2**64)], ids=["surrogate", "beyond 64 bits"]
)
def test_backend_status_that_the_message_cannot_hold_is_a_codec_error(name: str, jobs: int) -> None:
    with pytest.raises(CodecError, match="cannot be sent"):
        backend_status_to_proto(BackendStatus(name, "1.0.0", True, jobs, ""))


def test_message_whose_version_is_not_xyz_is_a_codec_error_that_names_the_backend() -> None:
    message = backend_status_pb2.BackendStatus(backend_name="bench", backend_version="0.1")
    with pytest.raises(CodecError, match=r"'bench': its version '0.1' is not of the form X\.Y\.Z"):
        backend_status_from_proto(message)


def test_field_of_a_newer_server_is_ignored() -> None:
    message = backend_status_to_proto(BackendStatus("bench", "1.0.0", True, 2, "up"))
    newer = message.SerializeToString() + b"\x9a\x06\x03new"
    received = backend_status_from_proto(backend_status_pb2.BackendStatus.FromString(newer))
    assert received == BackendStatus("bench", "1.0.0", True, 2, "up")
