"""Run options: typed and checked where every backend knows them, carried as they are otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.result.models import MeasLevel, MeasReturnType

from longwire.codecs.run_options import run_options_from_proto, run_options_to_proto
from longwire.errors import CodecError, InvalidOptionError
from longwire.v1 import program_pb2, value_pb2


class Unsendable:
    """What no message can hold, of a name that is the same in every process."""

    def __repr__(self) -> str:
        return "Unsendable()"


def round_trip(**options: object) -> dict:
    message = run_options_to_proto(**options)
    return run_options_from_proto(program_pb2.RunOptions.FromString(message.SerializeToString()))


def test_options_that_every_backend_knows_travel_in_their_own_fields():
    message = run_options_to_proto(
        shots=100, memory=True, seed_simulator=0, meas_level=1, meas_return="avg"
    )
    assert (message.shots, message.memory, message.seed_simulator) == (100, True, 0)
    assert message.meas_level == program_pb2.MEAS_LEVEL_KERNELED
    assert message.meas_return == program_pb2.MEAS_RETURN_AVERAGE
    assert not message.backend_options.fields


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"shots": 1},
        {"shots": 2**64 - 1, "memory": False, "seed_simulator": 2**64 - 1},
        *({"meas_level": level} for level in (0, 1, 2)),
        *({"meas_return": word} for word in ("single", "avg")),
        {"method": "statevector", "fusion_enable": True, "extra": {"a": [1, (2.5, None)]}},
    ],
    ids=str,
)
def test_options_come_back_as_they_were_given(options):
    assert round_trip(**options) == options


def test_options_of_numpy_and_of_qiskits_enums_are_taken():
    options = {
        "shots": np.int64(5),
        "memory": np.bool_(True),
        "meas_level": MeasLevel.RAW,
        "meas_return": MeasReturnType.SINGLE,
    }
    assert round_trip(**options) == {
        "shots": 5,
        "memory": True,
        "meas_level": 0,
        "meas_return": "single",
    }


def test_option_that_is_none_is_left_to_the_backend():
    assert round_trip(shots=None, seed_simulator=None, method=None) == {}


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"shots": 0}, "shots must be at least 1"),
        ({"shots": -5}, "shots must be at least 1"),
        ({"shots": 2**64}, "below 2"),
        ({"shots": True}, "shots must be an integer"),
        ({"shots": 1.5}, "shots must be an integer"),
        ({"shots": 1024.0}, "shots must be an integer"),
        ({"shots": "1024"}, "shots must be an integer"),
        ({"memory": 1}, "memory must be True or False"),
        ({"memory": "False"}, "memory must be True or False"),
        ({"save_statevector": 1}, "save_statevector must be True or False"),
        ({"seed_simulator": -1}, "seed_simulator must be at least 0"),
        ({"seed_simulator": False}, "seed_simulator must be an integer"),
        ({"meas_level": 3}, "meas_level must be 0"),
        ({"meas_level": True}, "meas_level must be 0"),
        ({"meas_level": "classified"}, "meas_level must be 0"),
        ({"meas_return": "average"}, "meas_return must be 'single' or 'avg'"),
        ({"meas_return": 1}, "meas_return must be 'single' or 'avg'"),
        ({"parameter_binds": [{}]}, "parameter_binds goes with circuits"),
        ({"parameter_binds": {"a": 1}}, "parameter_binds goes with circuits"),
        ({"noise_model": Unsendable()}, "the option noise_model: an object of type"),
        ({"extra": {"a": [Unsendable()]}}, r"the option extra\.a\[0\]: an object of type"),
    ],
    ids=str,
)
def test_option_that_is_wrong_is_refused_with_what_to_give(options, complaint):
    with pytest.raises(InvalidOptionError, match=complaint) as caught:
        run_options_to_proto(**options)
    assert caught.value.reason == "OPTION_INVALID"


def test_parameter_binds_become_the_values_of_the_circuits():
    circuit = QuantumCircuit(1)
    circuit.rx(Parameter("theta"), 0)
    message = run_options_to_proto(circuit, shots=3, parameter_binds=[{"theta": [0.5, 1.5]}])
    (values,) = message.parameter_values
    assert list(values.parameter_names) == ["theta"]
    assert list(values.values.shape) == [2, 1]
    assert run_options_from_proto(message) == {"shots": 3}
    for nothing in (None, [], ()):
        assert run_options_to_proto(circuit, parameter_binds=nothing) == RunOptions()


RunOptions, StructValue = program_pb2.RunOptions, value_pb2.StructValue


@pytest.mark.parametrize(
    "message",
    [
        RunOptions(shots=0),
        RunOptions(meas_level=9),
        RunOptions(meas_return=9),
        RunOptions(
            backend_options=StructValue(fields=[{"name": "shots", "value": {"int_value": -1}}])
        ),
        RunOptions(
            backend_options=StructValue(
                fields=[{"name": "parameter_binds", "value": {"int_value": 1}}]
            )
        ),
    ],
    ids=["shots", "level", "return", "shots-twice", "binds"],
)
def test_message_with_an_option_that_is_wrong_is_refused(message):
    with pytest.raises(InvalidOptionError):
        run_options_from_proto(message)


def test_message_with_a_backend_option_that_cannot_be_read_is_refused():
    message = RunOptions(backend_options=StructValue(fields=[{"name": "method"}]))
    with pytest.raises(CodecError, match=r"options\.method: the value is not set"):
        run_options_from_proto(message)
