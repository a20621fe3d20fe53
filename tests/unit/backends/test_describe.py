"""What hosted backends tell about themselves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit_ibm_runtime.fake_provider import FakeSherbrooke

from longwire_server.backends.loading import HostedBackend

Load = Callable[..., HostedBackend]
PLAIN = "unit.backends.drivers:PlainV2"


@pytest.mark.parametrize("fixture", ["aer", "basic", "generic", "sherbrooke"])
def test_description_is_complete_for_every_kind_of_backend(
    fixture: str, request: pytest.FixtureRequest
) -> None:
    hosted: HostedBackend = request.getfixturevalue(fixture)
    described = hosted.describe()
    configuration = described.configuration
    assert described.backend.name == hosted.name == configuration.backend_name
    assert described.backend.status.backend_name == hosted.name
    assert described.backend.status.operational
    assert described.backend.max_shots == configuration.max_shots > 0
    assert configuration.n_qubits > 0
    assert set(configuration.basis_gates)
    assert configuration.memory is True
    assert "shots" in described.backend.option_names
    # The document is whole: it can be read again, and be written as JSON.
    document = configuration.to_dict()
    assert type(configuration).from_dict(json.loads(json.dumps(document))) == configuration
    assert {gate["name"] for gate in document["gates"]} & set(configuration.basis_gates)


@pytest.mark.parametrize(
    ("raw", "version"), [("7", "7.0.0"), ("", "0.0.0"), (None, "0.0.0"), ("1.2.3.dev0", "1.2.3")]
)
def test_description_makes_the_version_xyz_and_keeps_the_raw_one(
    load: Load, raw: str | None, version: str
) -> None:
    described = load(PLAIN, arguments={"version": raw}).describe()
    assert described.backend.status.backend_version == version
    assert described.configuration.backend_version == version
    assert described.backend.reported_version == (raw or "")


def test_description_takes_what_the_configuration_says(load: Load) -> None:
    described = load(PLAIN, "mine", max_shots=20, description="words").describe()
    assert described.backend.name == "mine"
    assert described.backend.max_shots == described.configuration.max_shots == 20
    assert described.backend.description == described.configuration.description == "words"
    assert described.backend.max_circuits == described.configuration.max_experiments == 2


def test_description_of_a_simulator_has_no_number_of_qubits(
    aer: HostedBackend, basic: HostedBackend
) -> None:
    for hosted in (aer, basic):
        described = hosted.describe()
        assert described.backend.simulator
        assert described.configuration.simulator
        assert not described.backend.HasField("num_qubits")
        assert described.properties is None
    # Within the 4096 MiB of the worker, 2048 MiB are left for amplitudes.
    assert aer.describe().configuration.n_qubits == 27


def test_description_of_aer_hides_the_operators_options(aer: HostedBackend) -> None:
    names = set(aer.describe().backend.option_names)
    assert {"method", "seed_simulator", "noise_model"} <= names
    assert not {"max_memory_mb", "max_parallel_threads", "executor", "device"} & names


def test_description_of_a_target_has_its_couplings_and_measurements(
    generic: HostedBackend,
) -> None:
    described = generic.describe()
    target = GenericBackendV2(3, coupling_map=[[0, 1], [1, 2]], control_flow=True, seed=7).target
    configuration, properties = described.configuration, described.properties
    assert not described.backend.simulator
    assert described.backend.num_qubits == configuration.n_qubits == 3
    assert configuration.coupling_map == [[0, 1], [1, 2]]
    assert set(configuration.basis_gates) == {"cx", "id", "rz", "sx", "x"}
    assert set(configuration.supported_instructions) == set(target.operation_names)
    assert configuration.conditional is True
    assert configuration.dt == pytest.approx(target.dt)
    gates = {gate.name: gate.coupling_map for gate in configuration.gates}
    assert gates["cx"] == [[0, 1], [1, 2]]
    assert properties is not None
    assert properties.backend_name == "generic"
    for qubit, expected in enumerate(target.qubit_properties):
        assert properties.t1(qubit) == pytest.approx(expected.t1)
        assert properties.t2(qubit) == pytest.approx(expected.t2)
        assert properties.frequency(qubit) == pytest.approx(expected.frequency)
        measure = target["measure"][(qubit,)]
        assert properties.readout_error(qubit) == measure.error
        assert properties.readout_length(qubit) == pytest.approx(measure.duration)
    for qubits, expected in target["cx"].items():
        assert properties.gate_error("cx", qubits) == expected.error
        assert properties.gate_length("cx", qubits) == pytest.approx(expected.duration)


def test_description_of_a_device_model_is_its_documents(sherbrooke: HostedBackend) -> None:
    model, described = FakeSherbrooke(), sherbrooke.describe()
    for filename, document in (
        (model.conf_filename, described.configuration.to_dict()),
        (model.props_filename, (described.properties or described.configuration).to_dict()),
    ):
        original = json.loads(Path(model.dirname, filename).read_text(encoding="utf-8"))
        original["backend_name"] = "fake_sherbrooke"
        assert document.keys() == original.keys()
        for name in ("n_qubits", "coupling_map", "basis_gates", "qubits", "gates", "dt"):
            if name in original:
                assert document[name] == original[name]


def test_description_of_a_model_with_runtimes_own_configuration_is_kept(load: Load) -> None:
    described = load("qiskit_ibm_runtime.fake_provider:FakeManilaV2").describe()
    assert described.configuration.n_qubits == 5
    assert described.configuration.max_shots == 100_000
    assert described.properties is not None
    assert described.properties.t1(0) > 0
    assert not described.backend.simulator


def test_description_of_any_device_model_is_that_of_its_documents(load: Load) -> None:
    target = "longwire_server.backends.hosted:fake_device"
    described = load(target, "manila", arguments={"model": "FakeManilaV2"}).describe()
    assert described.backend.num_qubits == 5
    assert described.configuration.processor_type["family"] == "Falcon"
    assert described.properties is not None
    assert described.properties.backend_name == "manila"


def test_description_of_a_classic_driver_is_its_own(load: Load) -> None:
    described = load("unit.backends.drivers:Classic", "lab", max_shots=7).describe()
    assert described.configuration.backend_name == "lab"
    assert described.configuration.coupling_map == [[0, 1]]
    assert described.configuration.max_shots == 7
    assert described.backend.reported_version == "2"
    assert described.backend.status.backend_version == "2.0.0"
    assert not described.backend.status.operational
    assert described.backend.status.status_msg == "being cooled"
    assert list(described.backend.option_names) == ["colour", "shots"]
