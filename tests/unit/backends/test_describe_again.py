"""Hosted backends tell what they are now, with their Target and options."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from qiskit.providers.basic_provider import BasicSimulator
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel
from qiskit_ibm_runtime.fake_provider import FakeSherbrooke
from same_targets import assert_same_targets

from longwire.codecs.target import decode_target
from longwire.codecs.value import struct_from_proto
from longwire_server.backends.loading import HostedBackend
from longwire_server.execution.frames_pb2 import BackendLoaded
from longwire_server.execution.worker.describing import describe

Load = Callable[..., HostedBackend]
V2 = "unit.backends.drifting:DriftingV2"
CLASSIC = "unit.backends.drifting:DriftingClassic"


def without_target(message: BackendLoaded) -> BackendLoaded:
    """What is told but for the Target and its digest."""
    rest = BackendLoaded.FromString(message.SerializeToString())
    rest.ClearField("target")
    rest.backend.ClearField("target_sha256")
    return rest


@pytest.mark.parametrize(
    ("fixture", "local"),
    [
        ("aer", AerSimulator),
        ("basic", BasicSimulator),
        ("sherbrooke", FakeSherbrooke),
        (
            "generic",
            lambda: GenericBackendV2(3, coupling_map=[[0, 1], [1, 2]], control_flow=True, seed=7),
        ),
    ],
)
def test_target_that_is_told_is_the_backends_own(
    fixture: str, local: Callable[[], object], request: pytest.FixtureRequest
) -> None:
    message = describe(request.getfixturevalue(fixture))
    assert message.backend.target_sha256 == message.target.sha256
    assert len(message.target.sha256) == 32
    # The workers of these tests have 4096 MiB, which changes none of it.
    assert_same_targets(decode_target(message.target), local().target)  # type: ignore[attr-defined]


@pytest.mark.parametrize("fixture", ["aer", "basic", "generic", "sherbrooke"])
def test_backend_that_does_not_change_is_told_in_the_same_bytes(
    fixture: str, request: pytest.FixtureRequest
) -> None:
    hosted = request.getfixturevalue(fixture)
    assert describe(hosted) == describe(hosted)


def test_memory_of_the_worker_changes_no_operation(load: Load) -> None:
    hosted = load("longwire_server.backends.hosted:aer_simulator")
    hosted.driver.set_options(max_memory_mb=64, max_parallel_threads=1)
    assert_same_targets(decode_target(describe(hosted).target), AerSimulator().target)


def test_new_calibration_is_told(load: Load) -> None:
    hosted = load(V2)
    before = describe(hosted)
    hosted.driver.calibrate(0.5)
    after = describe(hosted)
    assert after.backend.target_sha256 != before.backend.target_sha256
    assert decode_target(after.target)["x"][(0,)].error == 0.5
    assert after.backend.reported_version == "2"
    assert after.configuration.backend_version == after.backend.status.backend_version == "2.0.0"
    [gate] = after.properties.gates
    assert gate.parameters[0].value == 0.5
    # The same numbers keep the date at which they were first seen.
    assert describe(hosted) == after
    assert hosted.target["x"][(0,)].error == 0.5


def test_status_of_the_driver_is_told(load: Load) -> None:
    hosted = load(V2)
    assert describe(hosted).backend.status.operational
    assert describe(hosted).backend.status.status_msg == "active"
    hosted.driver.operational = False
    status = describe(hosted).backend.status
    assert (status.operational, status.status_msg) == (False, "warming up")
    assert without_target(describe(hosted)) == without_target(describe(hosted))


def test_plugins_that_the_driver_wants_are_told(load: Load) -> None:
    hosted = load(V2)
    assert describe(hosted).backend.translation_stage_plugin == ""
    hosted.driver.plugin = "lab_translation"
    backend = describe(hosted).backend
    assert backend.translation_stage_plugin == "lab_translation"
    assert backend.scheduling_stage_plugin == ""


def test_defaults_of_options_are_told_where_they_can_be_sent(load: Load) -> None:
    message = describe(load(V2))
    assert struct_from_proto(message.backend.default_options) == {
        "shots": 10,
        "colour": "red",
        "weights": [0.5, 1],
    }
    assert {"handle", "table"} <= set(message.backend.option_names)


def test_defaults_of_aer_are_told_but_for_the_operators(aer: HostedBackend) -> None:
    defaults = struct_from_proto(describe(aer).backend.default_options)
    options = AerSimulator().options
    assert defaults == {name: options[name] for name in defaults}
    assert {"shots", "method", "seed_simulator", "noise_model", "zero_threshold"} <= set(defaults)
    assert not {"max_memory_mb", "max_parallel_threads", "device"} & set(defaults)


def test_noise_model_of_a_device_is_no_default_in_listings(load: Load) -> None:
    hosted = load("longwire_server.backends.hosted:aer_simulator")
    hosted.driver.set_options(noise_model=NoiseModel.from_backend(GenericBackendV2(2, seed=1)))
    backend = describe(hosted).backend
    assert "noise_model" not in struct_from_proto(backend.default_options)
    assert "noise_model" in backend.option_names


def test_classic_driver_is_told_as_it_is_now(load: Load) -> None:
    hosted = load(CLASSIC, "lab")
    before = describe(hosted)
    target = decode_target(before.target)
    assert list(target) == ["x", "cx", "measure", "reset", "if_else"]
    assert target["x"][(1,)].error == 0.25
    assert struct_from_proto(before.backend.default_options) == {"colour": "red", "shots": 5}
    driver = hosted.driver
    driver.error, driver.operational, driver.max_shots, driver.software = 0.5, False, 7, "3.1"
    after = describe(hosted)
    assert after.backend.target_sha256 != before.backend.target_sha256
    assert list(decode_target(after.target)["x"]) == [(0,)]
    assert decode_target(after.target)["x"][(0,)].error == 0.5
    assert after.backend.max_shots == after.configuration.max_shots == 7
    assert after.backend.reported_version == "3.1"
    assert not after.backend.status.operational
    assert after.properties.backend_name == after.backend.name == "lab"


def test_limits_of_the_configuration_hold_after_a_new_description(load: Load) -> None:
    hosted = load(CLASSIC, "lab", max_shots=20, description="words")
    hosted.driver.max_shots = 500
    backend = describe(hosted).backend
    assert (backend.max_shots, backend.description, backend.name) == (20, "words", "lab")
