"""Which backends a configuration hosts."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from longwire_server.backends import registry
from longwire_server.backends.registry import BackendSpec, backend_specs
from longwire_server.config import ConfigError, ServerConfig, load_config

DEFAULTS = ["aer_simulator", "basic_simulator", "fake_sherbrooke"]


def load(tmp_path: Path, text: str) -> ServerConfig:
    path = tmp_path / "server.toml"
    path.write_text(text, encoding="utf-8")
    return load_config(path, environment={})


def names(config: ServerConfig) -> list[str]:
    return [spec.name for spec in backend_specs(config)]


def test_specs_without_configuration_are_the_installed_entry_points() -> None:
    assert names(load_config(environment={})) == DEFAULTS


def test_specs_leave_out_a_device_whose_package_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    assert names(load_config(environment={})) == DEFAULTS[:2]


def test_specs_of_a_file_with_backends_are_those(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        """
        [[backend]]
        name = "density"
        entry_point = "aer_simulator"
        arguments = { method = "density_matrix" }
        max_shots = 5
        description = "slow"
        [[backend]]
        name = "lab"
        factory = "lab:make"
        [[backend]]
        name = "basic_simulator"
        """,
    )
    assert backend_specs(config) == (
        BackendSpec(
            name="density",
            target="longwire_server.backends.hosted:aer_simulator",
            arguments={"method": "density_matrix"},
            max_shots=5,
            description="slow",
            max_attempts=3,
        ),
        BackendSpec(name="lab", target="lab:make", refresh_seconds=60),
        BackendSpec(
            name="basic_simulator",
            target="longwire_server.backends.hosted:basic_simulator",
            max_attempts=3,
        ),
    )


@pytest.mark.parametrize(
    ("origin", "refresh_seconds"),
    [
        ('factory = "lab:make"', 60),
        ('factory = "lab:make"\nrefresh_seconds = 0', 0),
        ('factory = "qiskit_device.drivers:make"', 60),
        ('factory = "longwire_server.backends.hosted:fake_device"', 0),
        ('factory = "qiskit.providers.fake_provider:GenericBackendV2"', 0),
        ('factory = "qiskit_aer:AerSimulator"', 0),
        ('factory = "qiskit_ibm_runtime.fake_provider:FakeManilaV2"', 0),
        ('factory = "qiskit_ibm_runtime:backend"', 60),
        ('entry_point = "aer_simulator"', 0),
        ('entry_point = "aer_simulator"\nrefresh_seconds = 2.5', 2.5),
    ],
)
def test_specs_of_drivers_are_described_again_and_those_of_models_are_not(
    tmp_path: Path, origin: str, refresh_seconds: float
) -> None:
    (spec,) = backend_specs(load(tmp_path, f'[[backend]]\nname = "lab"\n{origin}'))
    assert spec.refresh_seconds == refresh_seconds
    assert BackendSpec.from_json(spec.to_json()) == spec


@pytest.mark.parametrize(
    ("origin", "max_attempts", "time_limit_seconds"),
    [
        ('factory = "lab:make"', 1, None),
        ('factory = "lab:make"\nmax_attempts = 2\ntime_limit_seconds = 5.0', 2, 5.0),
        ('factory = "qiskit_ibm_runtime:backend"', 1, None),
        ('factory = "qiskit_ibm_runtime.fake_provider:FakeManilaV2"', 3, None),
        ('entry_point = "aer_simulator"', 3, None),
        ('entry_point = "aer_simulator"\nmax_attempts = 1', 1, None),
    ],
)
def test_specs_of_simulators_are_tried_again_and_those_of_drivers_are_not(
    tmp_path: Path, origin: str, max_attempts: int, time_limit_seconds: float | None
) -> None:
    (spec,) = backend_specs(load(tmp_path, f'[[backend]]\nname = "lab"\n{origin}'))
    assert spec.max_attempts == max_attempts
    assert spec.time_limit_seconds == time_limit_seconds
    assert BackendSpec.from_json(spec.to_json()) == spec


def test_specs_of_installed_backends_of_others_are_described_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    theirs = EntryPoint("lab", "lab:make", registry.ENTRY_POINT_GROUP)
    ours = EntryPoint("aer", "longwire_server.backends.hosted:aer_simulator", theirs.group)
    monkeypatch.setattr(registry, "entry_points", lambda group: [ours, theirs])
    specs = backend_specs(load_config(environment={}))
    assert [(spec.name, spec.refresh_seconds) for spec in specs] == [("aer", 0), ("lab", 60)]


def test_specs_include_entry_points_beside_backends_when_asked(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        """
        [server]
        include_entry_points = true
        [[backend]]
        name = "aer_simulator"
        arguments = { method = "stabilizer" }
        """,
    )
    specs = {spec.name: spec for spec in backend_specs(config)}
    assert sorted(specs) == DEFAULTS
    assert specs["aer_simulator"].arguments == {"method": "stabilizer"}


def test_specs_of_an_entry_point_that_is_not_installed_are_refused(tmp_path: Path) -> None:
    config = load(tmp_path, '\n[[backend]]\nname = "x"\nentry_point = "aer_simulater"\n')
    with pytest.raises(ConfigError) as caught:
        backend_specs(config)
    (problem,) = caught.value.problems
    assert problem.place == f"{tmp_path / 'server.toml'}:4"
    assert "did you mean 'aer_simulator'" in problem.message


def test_specs_of_two_packages_with_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    group = registry.ENTRY_POINT_GROUP
    twins = [EntryPoint("lab", "a:make", group), EntryPoint("lab", "b:make", group)]
    monkeypatch.setattr(registry, "entry_points", lambda group: twins)
    with pytest.raises(ConfigError, match="which differ"):
        backend_specs(load_config(environment={}))


def test_spec_survives_the_way_to_a_worker() -> None:
    spec = BackendSpec("ä", "m:f", {"a": [1, 2.5, True, "x"], "b": {"c": 1}}, "p", 3, "d")
    assert BackendSpec.from_json(spec.to_json()) == spec
