"""Properties are typed on the wire, each value beside its unit and date."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from longwire.codecs.backend_properties import (
    backend_properties_from_proto,
    backend_properties_to_proto,
)
from longwire.codecs.value import struct_from_proto
from longwire.errors import CodecError
from longwire.providers.models import BackendProperties
from longwire.v1 import backend_properties_pb2

DOCUMENT = Path(__file__).parent / "documents" / "props_newer.json"


@pytest.fixture
def properties() -> BackendProperties:
    return BackendProperties.from_dict(json.loads(DOCUMENT.read_text(encoding="utf-8")))


def test_properties_have_typed_fields(properties: BackendProperties) -> None:
    message = backend_properties_to_proto(properties)
    first = message.qubits[0].parameters[0]
    assert (first.name, first.unit, first.value) == ("T1", "us", 75.25)
    assert first.date == "2020-08-10T08:20:31-04:00"
    assert message.last_update_date == "2020-08-10T09:00:01-04:00"
    assert [len(qubit.parameters) for qubit in message.qubits] == [5, 0, 3]
    assert list(message.gates[1].qubits) == [0, 2]
    assert [gate.name for gate in message.gates] == ["", "cx0_2"]
    assert [gate.HasField("name") for gate in message.gates] == [False, True]


def test_members_that_no_field_holds_stand_in_extra(properties: BackendProperties) -> None:
    message = backend_properties_to_proto(properties)
    assert struct_from_proto(message.extra) == {
        "general_qlists": [{"name": "lf_2", "qubits": [0, 2]}]
    }
    assert struct_from_proto(message.gates[1].extra) == {"verified": True}
    assert struct_from_proto(message.general[0].extra) == {"fitted": None}


def test_lookups_of_received_properties_are_those_of_the_sent(
    properties: BackendProperties,
) -> None:
    received = backend_properties_from_proto(backend_properties_to_proto(properties))
    assert received.t1(0) == properties.t1(0)
    assert received.qubit_property(1) == {}
    assert received.gate_property("cx", (0, 2)) == properties.gate_property("cx", (0, 2))


@pytest.mark.parametrize("date", ["", "soon"])
def test_message_with_a_date_that_is_none_is_a_codec_error_that_gives_its_place(
    properties: BackendProperties, date: str
) -> None:
    message = backend_properties_to_proto(properties)
    message.qubits[2].parameters[1].date = date
    with pytest.raises(CodecError, match=r"BackendProperties: .*qubits\[2\]\[1\]: date"):
        backend_properties_from_proto(message)


def test_empty_message_is_a_codec_error() -> None:
    with pytest.raises(CodecError, match="last_update_date"):
        backend_properties_from_proto(backend_properties_pb2.BackendProperties())
