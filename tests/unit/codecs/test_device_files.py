"""Documents of real devices, and small ones of every kind, cross the wire and come back equal.

The way is dict → model → message → bytes → message → model → dict. The real
ones are those in qiskit-ibm-runtime's wheel and, where LONGWIRE_TERRA_0164 names
an unpacked sdist of qiskit-terra 0.16.4, its mock devices.
"""

from __future__ import annotations

import copy
import json
import math
import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from longwire.codecs.backend_configuration import (
    backend_configuration_from_proto,
    backend_configuration_to_proto,
)
from longwire.codecs.backend_properties import (
    backend_properties_from_proto,
    backend_properties_to_proto,
)
from longwire.codecs.pulse_defaults import pulse_defaults_from_proto, pulse_defaults_to_proto
from longwire.providers.models import BackendProperties, PulseDefaults, configuration_class

RELATIVE_TOLERANCE = 1e-9
SMALL = Path(__file__).parent / "documents"


def runtime_files(kind: str) -> list[Path]:
    spec = find_spec("qiskit_ibm_runtime")
    if spec is None or spec.origin is None:
        return []
    folder = Path(spec.origin).parent / "fake_provider" / "backends"
    return sorted(folder.glob(f"*/{kind}_*.json"))


def terra_files(kind: str) -> list[Path]:
    root = os.environ.get("LONGWIRE_TERRA_0164")
    if not root:
        return []
    return sorted(Path(root).glob(f"qiskit/test/mock/backends/*/{kind}_*.json"))


def difference(left: Any, right: Any, place: str = "") -> str | None:
    """Where two documents differ first; numbers may by 1e-9 of their size."""
    if isinstance(left, dict) and isinstance(right, dict):
        if left.keys() != right.keys():
            return f"{place}: {left.keys() ^ right.keys()} in one of them only"
        pairs = [(f"{place}.{key}", left[key], right[key]) for key in left]
    elif isinstance(left, list) and isinstance(right, list):
        if len(left) != len(right):
            return f"{place}: {len(left)} and {len(right)} elements"
        pairs = [(f"{place}[{i}]", *pair) for i, pair in enumerate(zip(left, right, strict=True))]
    elif isinstance(left, int | float) and not isinstance(left, bool | str):
        number = isinstance(right, int | float) and not isinstance(right, bool)
        same = number and math.isclose(left, right, rel_tol=RELATIVE_TOLERANCE, abs_tol=0)
        return None if same else f"{place}: {left!r} and {right!r}"
    else:
        same = type(left) is type(right) and left == right
        return None if same else f"{place}: {left!r} and {right!r}"
    return next(filter(None, (difference(a, b, where) for where, a, b in pairs)), None)


def check_round_trip(
    document: dict[str, Any], model: Any, to_proto: Callable[..., Any], from_proto: Any
) -> None:
    original = copy.deepcopy(document)
    first = model.from_dict(document)
    message = to_proto(first)
    data = message.SerializeToString()
    second = from_proto(type(message).FromString(data))
    result = second.to_dict()

    assert document == original, "the input was changed"
    assert difference(original, first.to_dict()) is None
    assert difference(original, result) is None
    assert second == first
    assert to_proto(second).SerializeToString() == data
    json.dumps(result)


def check_configuration(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    check_round_trip(
        document,
        configuration_class(document),
        backend_configuration_to_proto,
        backend_configuration_from_proto,
    )


def check_properties(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    check_round_trip(
        document, BackendProperties, backend_properties_to_proto, backend_properties_from_proto
    )


def check_defaults(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    check_round_trip(document, PulseDefaults, pulse_defaults_to_proto, pulse_defaults_from_proto)


CHECKS = {"conf": check_configuration, "props": check_properties, "defs": check_defaults}


@pytest.mark.parametrize("path", sorted(SMALL.glob("*.json")), ids=lambda path: path.stem)
def test_document_of_the_schema_crosses_the_wire_equal(path: Path) -> None:
    CHECKS[path.stem.split("_")[0]](path)


@pytest.mark.parametrize("path", runtime_files("conf"), ids=lambda path: path.stem)
def test_configuration_of_a_real_device_crosses_the_wire_equal(path: Path) -> None:
    check_configuration(path)


@pytest.mark.parametrize("path", runtime_files("props"), ids=lambda path: path.stem)
def test_properties_of_a_real_device_cross_the_wire_equal(path: Path) -> None:
    check_properties(path)


@pytest.mark.skipif(find_spec("qiskit_ibm_runtime") is None, reason="needs qiskit-ibm-runtime")
def test_wheel_of_the_runtime_holds_the_files_that_the_proof_is_about() -> None:
    assert len(runtime_files("conf")) >= 68
    assert len(runtime_files("props")) >= 69


@pytest.mark.skipif(
    "LONGWIRE_TERRA_0164" not in os.environ,
    reason="LONGWIRE_TERRA_0164 does not name an unpacked sdist of qiskit-terra 0.16.4",
)
@pytest.mark.parametrize("kind", ["conf", "props", "defs"])
def test_mock_devices_of_terra_0164_cross_the_wire_equal(kind: str) -> None:
    paths = terra_files(kind)
    assert len(paths) == {"conf": 23, "props": 26, "defs": 13}[kind]
    for path in paths:
        CHECKS[kind](path)


def test_difference_sees_what_equality_of_documents_means() -> None:
    assert difference({"a": [1.0, None]}, {"a": [1.0 + 1e-12, None]}) is None
    assert difference({"a": [1.0]}, {"a": [1.0 + 1e-6]}) == ".a[0]: 1.0 and 1.000001"
    assert difference({"a": None}, {}) is not None
    assert difference([True], [1]) is not None
    assert difference([0.0], [1e-30]) is not None
