"""Pulse Qobj as data."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest

from longwire.codecs.qobj import pulse_qobj_from_json, qobj_to_json
from longwire.errors import InvalidQobjError
from longwire.qobj import (
    PulseLibraryItem,
    PulseQobj,
    PulseQobjConfig,
    PulseQobjExperiment,
    PulseQobjInstruction,
    QobjMeasurementOption,
    validate_qobj_against_schema,
)

OPTION = {"name": "boxcar", "params": {"start": 0}}
DOCUMENT: dict[str, Any] = {
    "qobj_id": "pulses",
    "schema_version": "1.0.0",
    "type": "PULSE",
    "header": {"backend_name": "pulse_simulator", "description": "test"},
    "config": {
        "shots": 1024,
        "memory_slots": 3,
        "meas_return": "avg",
        "meas_level": 2,
        "memory_slot_size": 1,
        "rep_time": 1000,
        "init_qubits": False,
        "qubit_lo_freq": [5.2, 5.15],
        "meas_lo_freq": [6.9, 6.8],
        "pulse_library": [{"name": "pulse1", "samples": [[0.5, 0], [0, -0.25]]}],
    },
    "experiments": [
        {
            "header": {"name": "first"},
            "config": {"shots": 512, "qubit_lo_freq": [5.0, 5.1]},
            "instructions": [
                {"name": "pulse1", "ch": "d0", "t0": 0},
                {"name": "pv", "ch": "d0", "t0": 0, "val": [0.5, 0.25]},
                {"name": "setp", "ch": "u0", "t0": 10, "phase": 3.14},
                {"name": "shiftf", "ch": "d0", "t0": 20, "frequency": 4.0},
                {
                    "name": "acquire",
                    "t0": 10,
                    "duration": 90,
                    "qubits": [0, 1],
                    "register_slot": [0, 1],
                    "memory_slot": [0, 1],
                    "kernels": [OPTION],
                    "discriminators": [{"name": "linear"}],
                },
                {"name": "copy", "register_orig": 1, "register_copy": [3, 4]},
                {
                    "name": "bfunc",
                    "mask": "0xE",
                    "relation": "==",
                    "val": "0xA",
                    "register": 3,
                    "memory": 3,
                },
                {"name": "pulse1", "ch": "d0", "t0": 120, "conditional": 3},
                {"name": "snapshot", "t0": 130, "label": "s", "type": "state"},
                {
                    "name": "parametric_pulse",
                    "t0": 0,
                    "ch": "d0",
                    "pulse_shape": "gaussian",
                    "parameters": {"amp": [0.0, 0.5], "sigma": 4, "duration": 25},
                },
            ],
        },
        {"instructions": [{"name": "delay", "ch": "d1", "t0": 0, "duration": 5}]},
    ],
}


def test_document_comes_back_through_objects_and_json() -> None:
    before = copy.deepcopy(DOCUMENT)
    first, second = PulseQobj.from_dict(DOCUMENT), PulseQobj.from_dict(DOCUMENT)
    back = pulse_qobj_from_json(qobj_to_json(first))

    assert first == second == back
    assert before == DOCUMENT
    assert back.schema_version == "1.0.0"
    validate_qobj_against_schema(first)


def test_complex_values_are_complex_in_objects() -> None:
    qobj = PulseQobj.from_dict(DOCUMENT)
    parametric = qobj.experiments[0].instructions[-1]

    assert parametric.parameters["amp"] == 0.5j  # type: ignore[attr-defined]
    assert np.array_equal(qobj.config.pulse_library[0].samples, [0.5, -0.25j])


def test_parts_written_by_hand_equal_those_read() -> None:
    config = PulseQobjConfig(
        2,
        "avg",
        [PulseLibraryItem("pulse1", [0.5, -0.25j])],
        [5.2, 5.15],
        [6.9, 6.8],
        memory_slot_size=1,
        rep_time=1000,
        shots=1024,
        memory_slots=3,
        init_qubits=False,
    )
    acquire = PulseQobjInstruction(
        "acquire",
        10,
        duration=90,
        qubits=[0, 1],
        register_slot=[0, 1],
        memory_slot=[0, 1],
        kernels=[QobjMeasurementOption("boxcar", {"start": 0})],
        discriminators=[QobjMeasurementOption("linear")],
    )
    read = PulseQobj.from_dict(DOCUMENT)

    assert read.config == config
    assert read.experiments[0].instructions[4] == acquire
    assert read.experiments[1] == PulseQobjExperiment(
        [PulseQobjInstruction("delay", 0, ch="d1", duration=5)]
    )


def test_reprs_and_strings_name_their_parts() -> None:
    qobj = PulseQobj.from_dict(DOCUMENT)

    assert repr(qobj.experiments[0].instructions[0]) == (
        "PulseQobjInstruction(name='pulse1', t0=0, ch='d0')"
    )
    assert "parametric_pulse" in str(qobj)
    assert repr(QobjMeasurementOption("linear")) == "QobjMeasurementOption(name='linear')"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("config", "meas_level"), 3, r"config\.meas_level"),
        (("config", "meas_return"), "all", r"config\.meas_return"),
        (("config", "qubit_lo_freq"), [-1], r"config\.qubit_lo_freq\[0\]"),
        (("config", "pulse_library"), [{"name": "p"}], r"pulse_library\[0\].*samples"),
        (("experiments", 0, "instructions", 1), {"name": "pv", "ch": "d0", "t0": 0}, "val"),
        (("experiments", 0, "instructions", 0, "t0"), -1, r"instructions\[0\]\.t0"),
        (("experiments", 0, "instructions", 0, "t0"), 0.5, r"instructions\[0\]\.t0"),
        (("experiments", 0, "instructions", 4, "qubits"), [], r"instructions\[4\]\.qubits"),
    ],
)
def test_document_that_breaks_the_schema_is_refused_with_its_place(
    path: tuple[Any, ...], value: Any, message: str
) -> None:
    document = copy.deepcopy(DOCUMENT)
    part = document
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value

    with pytest.raises(InvalidQobjError, match=message):
        pulse_qobj_from_json(json.dumps(document))


@pytest.mark.parametrize("samples", [[[1]], [[1, 2, 3]], [["a", 1]]])
def test_pulse_with_wrong_samples_is_refused(samples: Any) -> None:
    with pytest.raises(InvalidQobjError, match="re, im"):
        PulseLibraryItem("p", samples)


def test_config_without_a_required_field_is_refused() -> None:
    with pytest.raises(InvalidQobjError, match="meas_level"):
        PulseQobjConfig.from_dict({})
