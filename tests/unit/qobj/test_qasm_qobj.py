"""QASM Qobj as data: dict forms, equality, reprs, and what the originals got wrong."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from qiskit.circuit import Parameter
from qiskit.exceptions import QiskitError
from unit.qobj.qobj_documents import bfunc, document, experiment, measure, op

import longwire.qobj as qobj_module
from longwire.errors import InvalidQobjError
from longwire.qobj import (
    GateCalibration,
    PulseLibraryItem,
    PulseQobjInstruction,
    QasmExperimentCalibrations,
    QasmQobj,
    QasmQobjConfig,
    QasmQobjExperiment,
    QasmQobjExperimentConfig,
    QasmQobjExperimentHeader,
    QasmQobjInstruction,
    QobjExperimentHeader,
    QobjHeader,
    validate_qobj_against_schema,
)

CALIBRATIONS = {
    "gates": [
        {
            "name": "x",
            "qubits": [0],
            "params": [0.5],
            "instructions": [{"name": "fc", "t0": 0, "ch": "d0", "phase": 1.5}],
        }
    ]
}
DOCUMENT = document(
    experiment(
        op("u3", 0, params=[0.1, 0.2, 0.3], label="a", texparams=["a", "b", "c"]),
        measure(0, 0, 2),
        bfunc(4, "!=", 4, 3, memory=1),
        op("x", 0, conditional=3),
        {"name": "snapshot", "label": "s", "snapshot_type": "statevector"},
        {"name": "copy", "register_orig": 1, "register_copy": [3, 4]},
        name="first",
        metadata={"deep": [1, {"er": 2}]},
        n_qubits=1,
        memory_slots=2,
    ),
    {**experiment(op("h", 0)), "config": {"shots": 3, "calibrations": CALIBRATIONS}},
    memory=True,
    calibrations=CALIBRATIONS,
    pulse_library=[{"name": "p", "samples": [0.1, 0.2j]}],
    anything={"else": [1, 2]},
)


def test_public_names_are_those_of_terra() -> None:
    names = {
        "Qobj", "QobjExperimentHeader", "QobjHeader", "QasmQobj", "QasmQobjInstruction",
        "QasmQobjExperimentConfig", "QasmQobjExperiment", "QasmQobjConfig",
        "QasmExperimentCalibrations", "GateCalibration", "PulseQobj", "PulseQobjInstruction",
        "PulseQobjExperimentConfig", "PulseQobjExperiment", "PulseQobjConfig",
        "QobjMeasurementOption", "PulseLibraryItem", "validate_qobj_against_schema",
    }  # fmt: skip

    assert names <= set(qobj_module.__all__)
    assert all(hasattr(qobj_module, name) for name in qobj_module.__all__)


def test_from_dict_and_to_dict_are_inverse() -> None:
    assert QasmQobj.from_dict(DOCUMENT).to_dict() == DOCUMENT


def test_from_dict_twice_gives_equal_objects_and_leaves_the_dict() -> None:
    before = copy.deepcopy(DOCUMENT)
    first, second = QasmQobj.from_dict(DOCUMENT), QasmQobj.from_dict(DOCUMENT)

    assert first == second
    assert len(second.experiments[0].instructions) == 6
    assert before == DOCUMENT


def test_to_dict_shares_nothing_with_the_object() -> None:
    qobj = QasmQobj.from_dict(DOCUMENT)
    data = qobj.to_dict()
    data["header"]["backend_name"] = "other"
    data["config"]["anything"]["else"].append(3)
    data["experiments"][0]["header"]["metadata"]["deep"].append(3)
    data["experiments"][0]["instructions"][0]["params"].clear()

    assert qobj.to_dict() == DOCUMENT


def test_from_dict_shares_nothing_with_the_dict() -> None:
    data = copy.deepcopy(DOCUMENT)
    qobj = QasmQobj.from_dict(data)
    data["experiments"][0]["header"]["metadata"]["deep"].append(3)
    data["experiments"][0]["instructions"][0]["params"].clear()

    assert qobj == QasmQobj.from_dict(DOCUMENT)


@pytest.mark.parametrize(
    "transform", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_copies_are_equal(transform: Any) -> None:
    qobj = QasmQobj.from_dict(DOCUMENT)

    assert transform(qobj) == qobj


def test_schema_version_of_a_document_is_kept() -> None:
    assert QasmQobj.from_dict(DOCUMENT).schema_version == "1.2.0"
    assert QasmQobj().schema_version == "1.3.0"


def test_document_of_another_type_is_refused() -> None:
    with pytest.raises(InvalidQobjError, match="type: 'QASM' is expected"):
        QasmQobj.from_dict({**DOCUMENT, "type": "PULSE"})


def test_instruction_has_only_the_attributes_that_were_given() -> None:
    instruction = QasmQobjInstruction("h", qubits=[0], conditional=0)

    assert (instruction.name, instruction.qubits, instruction.conditional) == ("h", [0], 0)
    assert not hasattr(instruction, "params")
    assert instruction.to_dict() == {"name": "h", "qubits": [0], "conditional": 0}


def test_instruction_takes_all_fields_by_position_as_in_terra() -> None:
    values = ([0.1], [0], [1], [2], (3, 4), 5, "l", "0x1", "==", "0x1", "t")
    instruction = QasmQobjInstruction("name", *values)

    assert list(instruction.to_dict().values()) == ["name", *values]


def test_instruction_with_a_bound_expression_writes_its_number() -> None:
    theta = Parameter("theta")
    instruction = QasmQobjInstruction("rx", params=[(2 * theta).bind({theta: 0.25})], qubits=[0])

    assert instruction.to_dict()["params"] == [0.5]


@pytest.mark.parametrize("data", [{"qubits": [0]}, {"name": "x", "qubit": [0]}, ["x"]])
def test_instruction_dict_with_wrong_fields_is_refused(data: Any) -> None:
    with pytest.raises(InvalidQobjError):
        QasmQobjInstruction.from_dict(data)


def test_instructions_with_arrays_compare_by_value() -> None:
    matrix = np.array([[0, 1], [1, 0]], dtype=complex)
    one, same = (QasmQobjInstruction("unitary", [matrix.copy()], [0]) for _ in range(2))

    assert one == same
    assert one != QasmQobjInstruction("unitary", [matrix * 1j], [0])
    assert one != "unitary"


@pytest.mark.parametrize("value", ["False", "True", "", 2, 0.5, [True]])
def test_config_memory_that_is_no_truth_value_is_refused(value: object) -> None:
    with pytest.raises(QiskitError, match="memory"):
        QasmQobjConfig(memory=value)  # type: ignore[arg-type]


@pytest.mark.parametrize(("value", "expected"), [(True, True), (0, False), (np.True_, True)])
def test_config_memory_is_kept_as_a_bool(value: Any, expected: bool) -> None:
    assert QasmQobjConfig(memory=value).memory is expected


@pytest.mark.parametrize("value", ["many", 1.5, True, float("nan"), [1]])
def test_config_shots_that_are_no_number_are_refused(value: Any) -> None:
    with pytest.raises(InvalidQobjError, match="shots"):
        QasmQobjConfig(shots=value)


def test_config_keeps_free_fields_as_attributes() -> None:
    config = QasmQobjConfig(shots=np.int64(5), method="statevector")  # type: ignore[arg-type]

    assert (config.shots, config.method) == (5, "statevector")
    assert config.to_dict() == {"shots": 5, "method": "statevector"}
    assert not hasattr(config, "memory")


@pytest.mark.parametrize("name", ["to_dict", "from_dict", "__class__", "__init__", "__eq__"])
def test_header_field_that_would_hide_a_method_is_refused(name: str) -> None:
    with pytest.raises(InvalidQobjError, match=name):
        QobjHeader.from_dict({name: 1})


@pytest.mark.parametrize("name", ["self", "cls", "data", "with space", "1"])
def test_header_field_of_any_other_name_is_kept(name: str) -> None:
    assert QobjHeader.from_dict({name: 1}).to_dict() == {name: 1}
    assert QasmQobjConfig.from_dict({name: 1}).to_dict() == {name: 1}


def test_headers_compare_by_value_within_their_family() -> None:
    assert QobjHeader(a=1) == QobjHeader(a=1)
    assert QobjHeader(a=1) == QobjExperimentHeader(a=1)
    assert QobjHeader(a=1) != QobjHeader(a=2)
    assert QobjHeader(a=1) != QasmQobjExperimentHeader(a=1)
    assert QobjHeader(a=1) != {"a": 1}


def test_reprs_tell_the_values() -> None:
    assert repr(QobjHeader(name="n")) == "QobjHeader(name='n')"
    assert repr(QasmQobjInstruction("rx", [0.5], [0], condition=(1, 2))) == (
        "QasmQobjInstruction(name='rx', params=[0.5], qubits=[0], condition=(1, 2))"
    )
    text = repr(QasmQobj.from_dict(DOCUMENT))
    assert text.startswith("QasmQobj(header=QobjHeader(backend_name=")
    assert "first" in str(QasmQobj.from_dict(DOCUMENT))


def test_default_parts_are_not_shared_between_objects() -> None:
    one, other = QasmQobj(), QasmQobj()
    one.experiments.append(QasmQobjExperiment(instructions=[QasmQobjInstruction("x")]))
    one.header.note = "mine"

    assert other == QasmQobj()
    assert other.experiments == []


def test_calibrations_are_objects_and_hash_by_value() -> None:
    gates = [
        GateCalibration("x", [0], [0.5], [PulseQobjInstruction("fc", 0, ch="d0", phase=1.5)])
        for _ in range(2)
    ]
    config = QasmQobjExperimentConfig(calibrations=QasmExperimentCalibrations(gates[:1]))

    assert len(set(gates)) == 1
    assert config.to_dict() == {"calibrations": CALIBRATIONS}
    assert QasmQobjExperimentConfig.from_dict({"calibrations": CALIBRATIONS}) == config


def test_pulse_library_of_a_config_holds_items() -> None:
    config = QasmQobjConfig.from_dict({"pulse_library": [{"name": "p", "samples": [[0, 1]]}]})

    assert config.pulse_library == [PulseLibraryItem("p", [1j])]


def test_validation_of_objects_names_the_place() -> None:
    validate_qobj_against_schema(QasmQobj.from_dict(DOCUMENT))
    qobj = QasmQobj(
        "id", experiments=[QasmQobjExperiment(instructions=[QasmQobjInstruction("cx", qubits=[0])])]
    )

    with pytest.raises(InvalidQobjError, match=r"experiments\[0\]\.instructions\[0\]\.qubits"):
        validate_qobj_against_schema(qobj)
    with pytest.raises(InvalidQobjError, match="qobj_id"):
        QasmQobj().to_dict(validate=True)
