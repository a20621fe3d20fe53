"""Qobj as JSON: strict reading, exact writing."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from unit.qobj.qobj_documents import bfunc, document, experiment, measure, op

from longwire.codecs.qobj import qobj_from_dict, qobj_from_json, qobj_to_json
from longwire.errors import InvalidQobjError
from longwire.qobj import (
    QasmQobj,
    QasmQobjExperiment,
    QasmQobjExperimentHeader,
    QasmQobjInstruction,
)
from longwire.qobj.disassemble import disassemble

DOCUMENT = document(
    experiment(
        op("u3", 0, params=[0.1, 0.2, 0.3]),
        op("unitary", 0, params=[[[[0, 0], [1, 0]], [[1, 0], [0, 0]]]]),
        measure(0, 0, 0),
        bfunc(1, "==", 1, 1),
        op("x", 0, conditional=1),
        name="Übung",
        n_qubits=1,
        memory_slots=1,
        qreg_sizes=[["q", 1]],
        qubit_labels=[None],
    )
)


@pytest.mark.parametrize("encode", [str, str.encode])
def test_document_comes_back_equal(encode: Any) -> None:
    qobj = qobj_from_json(encode(json.dumps(DOCUMENT)))

    assert qobj.to_dict() == DOCUMENT
    assert json.loads(qobj_to_json(qobj)) == DOCUMENT


def test_numbers_of_numpy_and_complex_numbers_are_written_as_pairs() -> None:
    instruction = QasmQobjInstruction("unitary", [np.array([[0, 1j], [1, 0]])], [np.int64(0)])  # type: ignore[list-item]
    other = QasmQobjInstruction("initialize", [1 + 0.5j, np.complex64(2), np.float32(0.5)], [0])
    header = QasmQobjExperimentHeader(flag=np.True_, scalar=np.array(3))
    experiment = QasmQobjExperiment(header=header, instructions=[instruction, other])
    written = json.loads(qobj_to_json(QasmQobj("id", experiments=[experiment])))["experiments"][0]

    assert written["instructions"] == [
        {"name": "unitary", "params": [[[[0, 0], [0, 1]], [[1, 0], [0, 0]]]], "qubits": [0]},
        {"name": "initialize", "params": [[1, 0.5], [2, 0], 0.5], "qubits": [0]},
    ]
    assert written["header"] == {"flag": True, "scalar": 3}


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (float("nan"), r"experiments\[0\]\.header\.value: a finite"),
        ([1, {"deep": complex(0, float("inf"))}], r"header\.value\[1\]\.deep: a finite"),
        (object(), r"header\.value: JSON has no form for object"),
        ({1: 2}, r"header\.value: the name of a field"),
    ],
)
def test_value_that_json_cannot_hold_is_refused_with_its_place(value: Any, place: str) -> None:
    experiment = QasmQobjExperiment(header=QasmQobjExperimentHeader(value=value))

    with pytest.raises(InvalidQobjError, match=place):
        qobj_to_json(QasmQobj("id", experiments=[experiment]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"[]", "the Qobj: an object"),
        (b"null", "the Qobj: an object"),
        (b"\xff\xfe{\x00}\x00", "UTF-8"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "Infinity"),
        (b'{"a": [0, 1e400]}', r"a\[1\]: a finite"),
        (b'{"a": {"b": 1, "b": 2}}', "'b' twice"),
        (b'{"a": "\\ud800"}', "a: the text is no valid Unicode"),
        (b'{"\\ud800": 1}', "no valid Unicode"),
        (b'{"a": ' + b"9" * 10_000 + b"}", "too long"),
        (b'{"a": ' + b"[" * 40 + b"]" * 40 + b"}", "deeper than 32"),
        (b'{"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "deeper than 32"),
        (b'{"a":' * 100_000, "deeper than 32"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_text_that_is_no_safe_json_is_refused(text: bytes, message: str) -> None:
    with pytest.raises(InvalidQobjError, match=message):
        qobj_from_json(text)


@pytest.mark.parametrize(
    "field", ["qobj_id", "schema_version", "type", "experiments", "config", "header"]
)
def test_required_field_that_is_missing_is_named(field: str) -> None:
    data = {name: value for name, value in DOCUMENT.items() if name != field}

    with pytest.raises(InvalidQobjError, match=f"{field!r} is missing"):
        qobj_from_json(json.dumps(data))


FIRST = ("experiments", 0, "instructions", 0)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("type",), "OTHER", "^'type|type: 'QASM' or"),
        (("type",), "PULSE", r"config: the field 'meas_level'"),
        (("qobj_id",), 3, "qobj_id: text"),
        (("experiments",), [], "experiments: at least 1"),
        (("experiments",), {}, "experiments: an array"),
        (("experiments", 0), 3, r"experiments\[0\]: an object"),
        (("config", "shots"), 0, r"config\.shots: 1 or more"),
        (("config", "shots"), "many", r"config\.shots: a whole"),
        (("config", "memory"), "False", r"config\.memory: true or false"),
        (("config", "n_qubits"), 0, r"config\.n_qubits"),
        (("config", "rep_delay"), -1, r"config\.rep_delay"),
        (("header", "backend_name"), 1, r"header\.backend_name"),
        (("experiments", 0, "config"), [], r"experiments\[0\]\.config"),
        (("experiments", 0, "header", "name"), None, r"experiments\[0\]\.header\.name"),
        (("experiments", 0, "header", "qreg_sizes", 0), ["q"], r"qreg_sizes\[0\]"),
        (("experiments", 0, "header", "qreg_sizes", 0), ["", 1], r"qreg_sizes\[0\]\[0\]"),
        (("experiments", 0, "header", "qreg_sizes", 0), ["q", 0], r"qreg_sizes\[0\]\[1\]"),
        (("experiments", 0, "instructions"), None, r"experiments\[0\]\.instructions: an array"),
        (FIRST, "x", r"instructions\[0\]: an object"),
        (FIRST, {}, r"instructions\[0\]: the field 'name'"),
        (FIRST, {"name": [1]}, r"instructions\[0\]\.name"),
        (FIRST, {"name": "h"}, r"instructions\[0\]: the field 'qubits'"),
        (FIRST, {"name": "h", "qubits": [0, 1]}, r"instructions\[0\]\.qubits: at most 1"),
        (FIRST, {"name": "h", "qubits": [0], "memory": [0]}, r"instructions\[0\]\.memory"),
        (FIRST, {"name": "u1", "qubits": [0]}, "'params' is missing"),
        (FIRST, {"name": "x", "qubits": [0], "params": [1]}, r"params: at most 0"),
        (FIRST, {"name": "x", "qubits": [-1]}, r"qubits\[0\]: 0 or more"),
        (FIRST, {"name": "x", "qubits": [0], "conditional": -1}, r"conditional: 0 or more"),
        (FIRST, {"name": "measure", "qubits": [0]}, "'memory' is missing"),
        (FIRST, {"name": "measure", "qubits": [0], "memory": []}, r"memory: at least 1"),
        (FIRST, {"name": "bfunc", "mask": "0x1", "val": "0x1"}, "'relation' is missing"),
        (FIRST, {**bfunc(1, "==", 1, 1), "mask": "x"}, r"instructions\[0\]\.mask"),
        (FIRST, {**bfunc(1, "==", 1, 1), "register": [1]}, r"instructions\[0\]\.register"),
        (FIRST, {"name": "copy", "register_orig": 1}, "'register_copy' is missing"),
        (FIRST, {"name": "snapshot", "label": "a"}, "'snapshot_type' is missing"),
        (FIRST, {"name": "x", "qubits": [0], "surprise": 1}, "'surprise' is unknown"),
    ],
)
def test_document_that_breaks_the_schema_is_refused_with_its_place(
    path: tuple[Any, ...], value: Any, message: str
) -> None:
    data: Any = copy.deepcopy(DOCUMENT)
    part = data
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value

    with pytest.raises(InvalidQobjError, match=message):
        qobj_from_json(json.dumps(data))


def test_dict_with_arrays_is_read_as_strictly_as_json() -> None:
    data = copy.deepcopy(DOCUMENT)
    data["experiments"][0]["instructions"][1]["params"] = [np.array([[0, 1], [1, 0]])]
    before = copy.deepcopy(data)

    assert disassemble(qobj_from_dict(data)).circuits[0].count_ops()["unitary"] == 1
    assert repr(before) == repr(data)
    data["experiments"][0]["instructions"][1]["params"] = [np.array([[np.nan, 1], [1, 0]])]
    with pytest.raises(InvalidQobjError, match=r"instructions\[1\]\.params\[0\]: finite"):
        qobj_from_dict(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-4, 10**20) | st.floats() | st.text(max_size=3),
    lambda values: (
        st.lists(values, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "qubits", "params", "x"]), values, max_size=3)
    ),
    max_leaves=6,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, item in items:
        found.append((*path, key))
        if isinstance(item, (dict, list)):
            found += _places(item, (*path, key))
    return found


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(_places(DOCUMENT)), json_values)
def test_any_change_of_a_document_is_read_or_refused_by_the_one_error(
    place: tuple[Any, ...], value: Any
) -> None:
    data: Any = copy.deepcopy(DOCUMENT)
    part = data
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    try:
        disassemble(qobj_from_json(json.dumps(data)))
    except InvalidQobjError as error:
        assert error.message  # noqa: PT017  either outcome is right


def test_reading_a_qobj_imports_neither_grpc_nor_aer() -> None:
    code = (
        "import sys, longwire.codecs.qobj, longwire.qobj.disassemble, longwire.qobj.assemble\n"
        "print(sorted({'grpc', 'qiskit_aer'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
