"""Documents of real devices, and small ones of every kind, cross the wire and come back equal.

The way is dict → model → message → bytes → message → model → dict. The real
ones are those in qiskit-ibm-runtime's wheel and, where LONGWIRE_TERRA_0164 names
an unpacked sdist of qiskit-terra 0.16.4, its mock devices.
"""

from __future__ import annotations

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

CODECS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "conf": (backend_configuration_to_proto, backend_configuration_from_proto),
    "props": (backend_properties_to_proto, backend_properties_from_proto),
    "defs": (pulse_defaults_to_proto, pulse_defaults_from_proto),
}
MODELS: dict[str, Any] = {"props": BackendProperties, "defs": PulseDefaults}
# Valid by the schemas of qiskit-terra 0.16.4, but for *_newer, which hold what
# the documents of today's devices have beyond them.
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


def difference(left: Any, right: Any) -> str | None:
    """Where and how two documents differ first; numbers may by 1e-9 of their size."""
    if isinstance(left, dict) and isinstance(right, dict) and left.keys() == right.keys():
        members = ((f".{key}", left[key], right[key]) for key in left)
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        # Millions of numbers, which as a rule are the very same.
        if repr(left) == repr(right):
            return None
        members = ((f"[{i}]", *pair) for i, pair in enumerate(zip(left, right, strict=True)))
    elif isinstance(left, bool) or isinstance(right, bool) or not isinstance(left, int | float):
        same = type(left) is type(right) and left == right
        return None if same else f": {left!r} and {right!r}"
    else:
        same = isinstance(right, int | float) and math.isclose(left, right, rel_tol=1e-9)
        return None if same else f": {left!r} and {right!r}"
    for step, *pair in members:
        found = difference(*pair)
        if found is not None:
            return f"{step}{found}"
    return None


def check(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    document, untouched = json.loads(text), json.loads(text)
    kind = path.stem.split("_")[0]
    model = configuration_class(document) if kind == "conf" else MODELS[kind]
    to_proto, from_proto = CODECS[kind]

    sent = model.from_dict(document)
    message = to_proto(sent)
    received = from_proto(type(message).FromString(message.SerializeToString()))
    result = received.to_dict()

    assert document == untouched, "the input was changed"
    assert result == sent.to_dict()
    assert difference(untouched, result) is None
    json.dumps(result)


@pytest.mark.parametrize("path", sorted(SMALL.glob("*.json")), ids=lambda path: path.stem)
def test_small_document_crosses_the_wire_equal(path: Path) -> None:
    check(path)


@pytest.mark.parametrize("path", runtime_files("conf"), ids=lambda path: path.stem)
def test_configuration_of_a_real_device_crosses_the_wire_equal(path: Path) -> None:
    check(path)


@pytest.mark.parametrize("path", runtime_files("props"), ids=lambda path: path.stem)
def test_properties_of_a_real_device_cross_the_wire_equal(path: Path) -> None:
    check(path)


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
        check(path)


@pytest.mark.parametrize(
    ("left", "right", "place"),
    [
        ({"a": [1.0, None]}, {"a": [1.0 + 1e-12, None]}, None),
        ({"a": [1, "x"]}, {"a": [1.0, "x"]}, None),
        ({"a": [1.0]}, {"a": [1.000001]}, ".a[0]: 1.0 and 1.000001"),
        ({"a": None}, {}, ": {'a': None} and {}"),
        ([True], [1], "[0]: True and 1"),
        ([0.0], [1e-30], "[0]: 0.0 and 1e-30"),
    ],
)
def test_difference_between_documents_names_the_first_place(
    left: Any, right: Any, place: str | None
) -> None:
    assert difference(left, right) == place
