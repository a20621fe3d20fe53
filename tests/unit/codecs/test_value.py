"""Values cross the wire with equal value and equal type, or are refused with their place."""

from __future__ import annotations

import subprocess
import sys
from collections import OrderedDict, namedtuple
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum, IntEnum

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings, strategies as st
from qiskit.quantum_info import (
    Clifford,
    DensityMatrix,
    Operator,
    StabilizerState,
    Statevector,
    SuperOp,
    random_clifford,
    random_density_matrix,
)
from qiskit.result import ProbDistribution, QuasiDistribution

from longwire.codecs.value import (
    MAXIMUM_DEPTH,
    struct_from_proto,
    struct_to_proto,
    value_from_proto,
    value_to_proto,
)
from longwire.errors import CodecError
from longwire.v1 import value_pb2


def round_trip(value: object) -> object:
    return value_from_proto(value_pb2.Value.FromString(value_to_proto(value).SerializeToString()))


def same(left: object, right: object) -> bool:
    """Equal in value and type, all the way down; NaN equals itself and -0.0 is not 0.0."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return list(map(repr, left)) == list(map(repr, right)) and all(
            same(a, b) for a, b in zip(left.values(), right.values(), strict=True)
        )
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, np.ndarray):
        return (left.dtype, left.shape, left.tobytes()) == (
            right.dtype,
            right.shape,
            right.tobytes(),
        )
    if isinstance(left, (float, complex, np.generic)):
        return repr(left) == repr(right)
    return left == right


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**200), 2**200)
    | st.floats()
    | st.complex_numbers()
    | st.text()
    | st.binary()
    | st.datetimes()
    | st.datetimes(timezones=st.just(timezone(timedelta(hours=5, minutes=30))))
)
keys = st.integers() | st.text() | st.binary() | st.tuples(st.integers(), st.text())
values = st.recursive(
    scalars,
    lambda members: (
        st.lists(members)
        | st.lists(members).map(tuple)
        | st.dictionaries(st.text(), members)
        | st.dictionaries(keys, members)
    ),
    max_leaves=30,
)


@given(values)
@settings(max_examples=300, deadline=None)
def test_value_of_python_types_comes_back_with_equal_value_and_type(value):
    assert same(round_trip(value), value)


@given(st.lists(st.floats() | st.integers(), min_size=14, max_size=40))
def test_list_of_mixed_numbers_keeps_each_type(value):
    assert same(round_trip(value), value)


@pytest.mark.parametrize(
    "value",
    [
        2**63 - 1,
        2**63,
        -(2**63),
        -(2**63) - 1,
        2**70_000,
        -0.0,
        float("nan"),
        float("-inf"),
        complex(0, 0),
        complex(-0.0, float("nan")),
        [],
        (),
        {},
        [[]] * 20,
        [[1, 2]] * 40,
        [[1, 2], [3]] * 20,
        [[[0.5, -1.0]] * 3] * 20,
        [True] * 16,
        [1, True] * 16,
        [2**63] * 16,
        [1j] * 16,
        [[0.1, 1.0], (0.1, 1.0)] * 10,
        {1: "a", "1": "b", (2, "x"): [None], None: 1.5},
        {"b": 1, "a": 2},
        datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC),
    ],
    ids=lambda value: type(value).__name__,
)
def test_value_at_an_edge_comes_back_with_equal_value_and_type(value):
    assert same(round_trip(value), value)


def test_long_lists_of_numbers_take_the_form_of_an_array():
    measured = [[[0.25, 0.5], [0.75, 1.0]]] * 10_000
    message = value_to_proto(measured)
    assert message.WhichOneof("kind") == "number_list_value"
    assert message.ByteSize() <= 8 * 4 * 10_000 + 100
    assert round_trip(measured) == measured


def test_enums_and_other_subclasses_travel_as_their_base_values():
    class Level(IntEnum):
        HIGH = 2

    class Word(str, Enum):  # noqa: UP042 - as qiskit's MeasReturnType is
        AVERAGE = "avg"

    class Plain(Enum):
        ONE = 1.5

    Pair = namedtuple("Pair", "left right")
    sent = [Level.HIGH, Word.AVERAGE, Plain.ONE, OrderedDict(a=1), Pair(1, 2), bytearray(b"x")]
    assert same(round_trip(sent), [2, "avg", 1.5, {"a": 1}, (1, 2), b"x"])


@pytest.mark.parametrize(
    "scalar",
    [
        np.bool_(True),
        np.int8(-5),
        np.uint64(2**64 - 1),
        np.float16(0.5),
        np.float32(0.1),
        np.float64(0.1),
        np.complex64(1 + 2j),
        np.complex128(1 - 2j),
    ],
    ids=lambda scalar: type(scalar).__name__,
)
def test_numpy_scalar_keeps_its_type(scalar):
    assert same(round_trip({"x": scalar})["x"], scalar)


def test_numpy_array_inside_a_value_comes_back_writable():
    array = round_trip({"a": [np.arange(3)]})["a"][0]
    array[0] = 7
    assert array.tolist() == [7, 1, 2]


@pytest.mark.parametrize(
    "quantum_object",
    [
        Statevector([0, 1, 0, 0, 0, 0], dims=(2, 3)),
        random_density_matrix((3, 2), seed=1),
        Operator(np.arange(36).reshape(6, 6) * 1j, (2, 3), (3, 2)),
        SuperOp(Operator([[0, 1], [1j, 0]])),
        StabilizerState.from_stabilizer_list(["-XX", "+ZZ"]),
        random_clifford(3, seed=4),
    ],
    ids=lambda quantum_object: type(quantum_object).__name__,
)
def test_quantum_object_keeps_type_numbers_and_dimensions(quantum_object):
    received = round_trip(quantum_object)
    assert type(received) is type(quantum_object)
    assert received == quantum_object
    if isinstance(quantum_object, (Statevector, DensityMatrix)):
        assert received.dims() == quantum_object.dims()
        assert received.data.tobytes() == quantum_object.data.tobytes()
    elif isinstance(quantum_object, (Operator, SuperOp)):
        assert received.input_dims() == quantum_object.input_dims()
        assert received.output_dims() == quantum_object.output_dims()
        assert received.data.tobytes() == quantum_object.data.tobytes()
    elif isinstance(quantum_object, Clifford):
        assert (received.tableau == quantum_object.tableau).all()
    else:
        assert (received.clifford.tableau == quantum_object.clifford.tableau).all()


@pytest.mark.parametrize(
    "distribution",
    [ProbDistribution({0: 0.25, 3: 0.75}, shots=8), QuasiDistribution({1: -0.5, 2**80: 1.5})],
    ids=["probabilities", "quasi-probabilities"],
)
def test_distribution_keeps_type_outcomes_and_shots(distribution):
    received = round_trip(distribution)
    assert type(received) is type(distribution)
    assert received == distribution
    assert received.shots == distribution.shots
    assert received.hex_probabilities() == distribution.hex_probabilities()


def test_matrix_product_state_comes_back_with_its_nesting():
    state = (
        [(np.array([[1, 0]], complex), np.array([[0, 1]], complex))],
        [np.array([0.5, 0.5])],
    )
    assert same(round_trip(state), state)


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (object(), "an object of type builtins.object"),
        ({"a": [1, {"b": {1, 2}}]}, "a[1].b: an object of type builtins.set"),
        ({"a": (0, "\ud800")}, "a[1]: the text"),
        ({"metadata": {"\ud800": 1}}, "metadata: the name"),
        ({"x": {3: [np.array(["text"])]}}, "x[3][0]: an array of <U4"),
        ({2**70_000: object()}, "[pair 0]: an object of type"),
        ([np.array([object()])], "[0]: an array of object"),
        ([np.longdouble(1)], "[0]: an array of float128"),
        ([np.ma.masked_array([1, 2], [True, False])], "[0]: a masked array"),
    ],
    ids=[
        "object",
        "set",
        "surrogate",
        "name",
        "text-array",
        "large-key",
        "object-array",
        "long",
        "masked",
    ],
)
def test_value_that_cannot_be_represented_is_refused_with_its_place(value, place):
    with pytest.raises(CodecError) as caught:
        value_to_proto(value)
    assert place in caught.value.message


def test_struct_with_a_name_that_is_not_text_is_refused():
    with pytest.raises(CodecError, match="the name 3 is not text"):
        struct_to_proto({3: 1})


@pytest.mark.parametrize(
    "wrap", [lambda x: [x], lambda x: (x,), lambda x: {"a": x}, lambda x: {1: x}]
)
def test_value_nested_to_the_limit_crosses_and_one_deeper_is_refused(wrap):
    value = np.arange(3)
    for _ in range(MAXIMUM_DEPTH):
        value = wrap(value)
    assert same(round_trip(value), value)
    with pytest.raises(CodecError, match="nests deeper than 30"):
        value_to_proto(wrap(value))


def test_message_nested_too_deep_is_refused():
    message = value_pb2.Value(int_value=1)
    for _ in range(MAXIMUM_DEPTH + 1):
        message = value_pb2.Value(list_value=value_pb2.ListValue(values=[message]))
    with pytest.raises(CodecError, match="nests deeper than 30"):
        value_from_proto(message)


def test_struct_comes_back_in_order_with_the_last_of_a_repeated_name():
    message = struct_to_proto({"z": 1, "a": 2})
    message.fields.add(name="z").value.int_value = 3
    assert list(struct_from_proto(message).items()) == [("z", 3), ("a", 2)]


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        (value_pb2.Value(), "newer than this version"),
        (value_pb2.Value(big_int_value="0x_1"), "not an integer"),
        (value_pb2.Value(big_int_value=""), "not an integer"),
        (value_pb2.Value(datetime_value="yesterday"), "not an ISO 8601"),
        (value_pb2.Value(scalar_value=value_to_proto(np.arange(2)).array_value), "the shape"),
        (value_pb2.Value(number_list_value=value_to_proto(np.array(1)).array_value), "the shape"),
        (value_pb2.Value(quantum_object_value=value_pb2.QuantumObject()), "is unknown"),
        (value_pb2.Value(distribution_value=value_pb2.Distribution()), "is unknown"),
    ],
    ids=["unset", "digits", "no-digits", "date", "scalar", "list", "quantum", "distribution"],
)
def test_message_that_contradicts_itself_is_refused(message, complaint):
    with pytest.raises(CodecError, match=complaint):
        value_from_proto(message)


def test_map_with_a_key_that_python_cannot_hash_is_refused():
    message = value_pb2.Value()
    entry = message.map_value.entries.add()
    entry.key.list_value.SetInParent()
    entry.value.int_value = 1
    with pytest.raises(CodecError, match="cannot be a key"):
        value_from_proto(message)


@pytest.mark.parametrize("kind", ["STATEVECTOR", "DENSITY_MATRIX", "OPERATOR", "SUPEROP"])
def test_quantum_object_whose_dimensions_do_not_fit_is_refused(kind):
    message = value_to_proto(Statevector([1, 0])).quantum_object_value
    message.kind = value_pb2.QuantumObjectKind.Value(f"QUANTUM_OBJECT_KIND_{kind}")
    del message.output_dims[:]
    message.output_dims.extend([0, 3])
    with pytest.raises(CodecError, match="are no QUANTUM_OBJECT_KIND"):
        value_from_proto(value_pb2.Value(quantum_object_value=message))


@pytest.mark.parametrize("kind", ["CLIFFORD", "STABILIZER_STATE"])
def test_tableau_that_is_not_symplectic_is_refused(kind):
    message = value_to_proto(np.zeros((2, 3), bool)).array_value
    quantum_object = value_pb2.QuantumObject(
        kind=value_pb2.QuantumObjectKind.Value(f"QUANTUM_OBJECT_KIND_{kind}"), data=message
    )
    with pytest.raises(CodecError, match="are no QUANTUM_OBJECT_KIND"):
        value_from_proto(value_pb2.Value(quantum_object_value=quantum_object))


SERIALIZED = value_to_proto(
    {
        "a": [1, 2.5, None, "text", b"x", 1j],
        "b": {1: (2**80, datetime(2026, 1, 1, tzinfo=UTC))},
        "c": [np.arange(5), np.float32(1), [1.0] * 20],
        "d": [Statevector([1, 0]), Clifford([[1, 0, 0], [0, 1, 0]]), ProbDistribution({0: 1.0})],
    }
).SerializeToString()


@given(st.data())
@settings(max_examples=500, deadline=None)
def test_damaged_bytes_give_a_codec_error_or_another_value_but_never_a_crash(data):
    damaged = bytearray(SERIALIZED)
    for _ in range(data.draw(st.integers(1, 5))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with suppress(DecodeError, CodecError):
        value_from_proto(value_pb2.Value.FromString(bytes(damaged)))


def test_importing_the_codec_loads_neither_qiskit_nor_numpy_nor_grpc():
    script = (
        "import sys; from longwire.codecs.value import value_from_proto, value_to_proto;"
        "value_from_proto(value_to_proto({'a': [1, 2.5, 'b']}));"
        "print(sorted({'qiskit', 'numpy', 'grpc'} & sys.modules.keys()))"
    )
    output = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "[]"
