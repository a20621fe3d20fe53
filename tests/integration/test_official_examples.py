"""The example documents that Qiskit published with its schemas, up to Terra 0.18.3.

LONGWIRE_TERRA_0183 names the folder into which that wheel was unpacked.
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
from qiskit.result import Result
from qiskit_aer import AerSimulator

from longwire import RemoteBackend
from longwire.codecs.backend_configuration import (
    backend_configuration_from_proto,
    backend_configuration_to_proto,
)
from longwire.codecs.backend_properties import (
    backend_properties_from_proto,
    backend_properties_to_proto,
)
from longwire.codecs.backend_status import backend_status_from_proto, backend_status_to_proto
from longwire.codecs.job_status import job_status_from_proto, job_status_to_proto
from longwire.codecs.pulse_defaults import pulse_defaults_from_proto, pulse_defaults_to_proto
from longwire.codecs.result import decode_result, encode_result
from longwire.providers.models import BackendProperties, BackendStatus, JobStatus, PulseDefaults
from longwire.providers.models.pulse_backend_configuration import configuration_class
from longwire.qobj import QasmQobj
from longwire.qobj.disassemble import disassemble

pytestmark = pytest.mark.skipif(
    "LONGWIRE_TERRA_0183" not in os.environ,
    reason="LONGWIRE_TERRA_0183 does not name an unpacked wheel of qiskit-terra 0.18.3",
)

CODECS: dict[str, tuple[Any, Any]] = {
    "backend_configuration": (backend_configuration_to_proto, backend_configuration_from_proto),
    "backend_properties": (backend_properties_to_proto, backend_properties_from_proto),
    "backend_status": (backend_status_to_proto, backend_status_from_proto),
    "default_pulse_configuration": (pulse_defaults_to_proto, pulse_defaults_from_proto),
    "job_status": (job_status_to_proto, job_status_from_proto),
}
MODELS: dict[str, Any] = {
    "backend_properties": BackendProperties,
    "backend_status": BackendStatus,
    "default_pulse_configuration": PulseDefaults,
    "job_status": JobStatus,
}


def example(name: str) -> dict[str, Any]:
    """One document."""
    folder = Path(os.environ.get("LONGWIRE_TERRA_0183", "")) / "qiskit/schemas/examples"
    document: dict[str, Any] = json.loads((folder / f"{name}.json").read_text())
    return document


def assert_equal(left: Any, right: Any, place: str = "") -> None:
    """Equal with numbers within 1e-9."""
    if isinstance(left, dict):
        assert isinstance(right, dict), place
        assert left.keys() == right.keys(), place
        for name, member in left.items():
            assert_equal(member, right[name], f"{place}.{name}")
    elif isinstance(left, list):
        assert isinstance(right, list), place
        assert len(left) == len(right), place
        for index, pair in enumerate(zip(left, right, strict=True)):
            assert_equal(*pair, f"{place}[{index}]")
    elif isinstance(left, float) or isinstance(right, float):
        assert math.isclose(left, right, rel_tol=1e-9), place
    else:
        assert left == right, place


@pytest.mark.parametrize(
    "name",
    [
        "backend_configuration_openqasm_example",
        "backend_configuration_openqasm_simulator_example",
        "backend_configuration_openpulse_example",
        "backend_properties_example",
        "backend_status_example",
        "default_pulse_configuration_example",
        "job_status_example",
    ],
)
def test_example_of_a_model_crosses_the_wire_equal(name: str) -> None:
    kind = next(kind for kind in CODECS if name.startswith(kind))
    to_proto, from_proto = CODECS[kind]
    document = example(name)
    model = MODELS.get(kind) or configuration_class(document)
    message = to_proto(model.from_dict(document))
    received = from_proto(type(message).FromString(message.SerializeToString()))
    assert_equal(received.to_dict(), document)


@pytest.mark.parametrize(
    "name",
    [
        "result_openqasm_example",
        "result_openpulse_level_0_example",
        "result_openpulse_level_1_example",
        "result_statevector_simulator_example",
        "result_unitary_simulator_example",
    ],
)
def test_example_of_a_result_crosses_the_wire_equal(name: str) -> None:
    result = Result.from_dict(example(name))
    assert_equal(decode_result(encode_result(result)).to_dict(), result.to_dict())


def test_example_of_a_qobj_runs_as_its_circuits_do_locally(aer: RemoteBackend) -> None:
    document = example("qobj_openqasm_example")
    remote = aer.run(document, seed_simulator=11).result()
    circuits = disassemble(QasmQobj.from_dict(document)).circuits
    shots = document["config"]["shots"]
    local = AerSimulator(max_parallel_threads=1).run(circuits, shots=shots, seed_simulator=11)
    assert len(remote.results) == len(circuits)
    for index in range(len(circuits)):
        # The second gate of the first experiment depends on what it measured.
        assert sum(remote.get_counts(index).values()) == shots
        assert remote.data(index)["counts"] == local.result().data(index)["counts"]
        assert "snapstate1" in remote.data(index)
