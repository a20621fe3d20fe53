"""A configuration is typed on the wire, in SI units, with the rest in ``extra``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from longwire.codecs.backend_configuration import (
    backend_configuration_from_proto,
    backend_configuration_to_proto,
)
from longwire.codecs.value import struct_from_proto
from longwire.errors import CodecError
from longwire.providers.models import (
    PulseBackendConfiguration,
    QasmBackendConfiguration,
    configuration_class,
)
from longwire.v1 import backend_configuration_pb2

DOCUMENTS = Path(__file__).parent / "documents"


def read(name: str, **members: Any) -> QasmBackendConfiguration:
    document = json.loads((DOCUMENTS / f"conf_{name}.json").read_text(encoding="utf-8"))
    return configuration_class(document).from_dict({**document, **members})


def test_quantities_on_the_wire_are_in_si_units() -> None:
    message = backend_configuration_to_proto(read("pulse"))
    assert message.dt == pytest.approx(2.222222222222222e-10)
    assert list(message.rep_times) == pytest.approx([5e-5, 1e-4, 1e-3])
    assert message.qubit_lo_range[0].min_hz == pytest.approx(4.3571e9)
    assert message.channel_bandwidth[0].max_hz == pytest.approx(0.4e9)
    assert struct_from_proto(message.hamiltonian)["vars"]["wq0"] == pytest.approx(30.5179e9)


def test_members_that_the_schema_knows_have_typed_fields() -> None:
    message = backend_configuration_to_proto(read("pulse"))
    assert [list(group.qubits) for group in message.coupling_map] == [[0, 1], [1, 0]]
    assert message.gates[0].name == "sx"
    assert message.u_channel_lo[1].terms[0].scale.imag == 0.25
    assert list(message.acquisition_latency[0].values) == [100, 100]
    # Empty is not absent, and a repeated field cannot tell them apart.
    assert struct_from_proto(message.extra) == {"parametric_pulses": []}


def test_members_that_no_field_holds_stand_in_extra() -> None:
    message = backend_configuration_to_proto(read("newer"))
    assert struct_from_proto(message.extra) == {
        "coupling_map": None,
        "meas_levels": None,
        "rep_times": None,
        "acquisition_latency": [],
        "conditional_latency": [],
        "clops_h": 30000000000000000000,
        "processor_type": {"family": "Eagle", "revision": 3},
    }
    assert struct_from_proto(message.gates[0].extra) == {
        "parameters": None,
        "qasm_def": None,
        "coupling_map": [],
    }
    assert message.max_experiments == 0
    assert message.HasField("max_experiments")


@pytest.mark.parametrize("value", [1.5, True, "3", -1, 2**70, [1]])
def test_member_of_another_type_than_its_field_stands_in_extra_and_comes_back(value: Any) -> None:
    configuration = read("core", max_experiments=value)
    message = backend_configuration_to_proto(configuration)
    assert struct_from_proto(message.extra)["max_experiments"] == value
    received = backend_configuration_from_proto(message)
    assert received.max_experiments == value
    assert type(received.max_experiments) is type(value)


def test_row_that_does_not_fit_takes_its_whole_list_to_extra() -> None:
    configuration = read("core", coupling_map=[[0, 1], [0, None]])
    message = backend_configuration_to_proto(configuration)
    assert not message.coupling_map
    assert backend_configuration_from_proto(message) == configuration


def test_tuples_take_the_typed_field_and_are_lists_afterwards() -> None:
    message = backend_configuration_to_proto(read("core", coupling_map=[(0, 1)]))
    assert [list(group.qubits) for group in message.coupling_map] == [[0, 1]]
    assert backend_configuration_from_proto(message).coupling_map == [[0, 1]]


def test_attributes_come_back_bit_for_bit() -> None:
    configuration = read("pulse")
    # Nanoseconds and back would change its last bit.
    configuration.dt = 8.474337369372327e-10
    received = backend_configuration_from_proto(backend_configuration_to_proto(configuration))
    assert received.dt == configuration.dt
    assert received.to_si_dict() == configuration.to_si_dict()


def test_class_of_the_model_follows_open_pulse() -> None:
    for name, model in (("core", QasmBackendConfiguration), ("pulse", PulseBackendConfiguration)):
        message = backend_configuration_to_proto(read(name))
        assert type(backend_configuration_from_proto(message)) is model


def test_message_of_another_language_with_the_required_fields_alone_is_read() -> None:
    message = backend_configuration_pb2.BackendConfiguration(
        backend_name="go", backend_version="1.0.0", n_qubits=1
    )
    configuration = backend_configuration_from_proto(message)
    assert configuration.backend_name == "go"
    assert configuration.gates == configuration.basis_gates == []
    assert configuration.coupling_map is None
    assert configuration.open_pulse is False


@pytest.mark.parametrize(
    ("name", "value"), [("online_date", "x"), ("gates", 5), ("u_channel_lo", 5), ("dt", 10**400)]
)
def test_message_that_is_no_configuration_is_a_codec_error(name: str, value: Any) -> None:
    message = backend_configuration_to_proto(read("pulse"))
    field = message.extra.fields.add(name=name)
    if isinstance(value, str):
        field.value.string_value = value
    else:
        field.value.big_int_value = f"{value:x}"
    with pytest.raises(CodecError, match="BackendConfiguration"):
        backend_configuration_from_proto(message)


def test_member_that_cannot_cross_is_a_codec_error_that_gives_its_place() -> None:
    configuration = read("core")
    configuration.gates[1].handle = object()
    with pytest.raises(CodecError, match=r"^BackendConfiguration\.gates\[1\]\.handle: "):
        backend_configuration_to_proto(configuration)
