"""Configurations with pulses: their fields, and the lookups of channels by name."""

from __future__ import annotations

from typing import Any

import pytest

from longwire.errors import BackendConfigurationError
from longwire.providers.models import (
    PulseBackendConfiguration,
    QasmBackendConfiguration,
    UchannelLO,
    configuration_class,
)

CORE: dict[str, Any] = {
    "backend_name": "bench",
    "backend_version": "1.0.0",
    "n_qubits": 2,
    "basis_gates": [],
    "gates": [],
    "local": False,
    "simulator": False,
    "conditional": False,
    "open_pulse": True,
    "memory": True,
    "max_shots": 100,
}
PULSE: dict[str, Any] = {
    "coupling_map": [[0, 1]],
    "n_uchannels": 2,
    "u_channel_lo": [
        [{"q": 1, "scale": [1.0, 0.0]}],
        [{"q": 0, "scale": [-1.0, 0.5]}, {"q": 1, "scale": [1.0, 0.0]}],
    ],
    "meas_levels": [1, 2],
    "qubit_lo_range": [[4.5, 5.5], [4.5, 5.5]],
    "meas_lo_range": [[6.5, 7.5]],
    "dt": 0.5,
    "dtm": 1.0,
    "rep_times": [100.0],
    "meas_kernels": ["boxcar"],
    "discriminators": ["linear"],
}
CHANNELS = {
    "d0": {"type": "drive", "purpose": "drive", "operates": {"qubits": [0]}},
    "d1": {"type": "drive", "purpose": "drive", "operates": {"qubits": [1]}},
    "u0": {"type": "control", "purpose": "cross-resonance", "operates": {"qubits": [0, 1]}},
    "u1": {"type": "control", "purpose": "cross-resonance", "operates": {"qubits": [1, 0]}},
}


@pytest.fixture
def configuration() -> PulseBackendConfiguration:
    return PulseBackendConfiguration.from_dict({**CORE, **PULSE, "channels": CHANNELS})


def test_constructor_takes_qiskits_arguments_by_position() -> None:
    terms = [
        [UchannelLO(term["q"], complex(*term["scale"])) for term in row]
        for row in PULSE["u_channel_lo"]
    ]
    values = [*CORE.values(), *(terms if n == "u_channel_lo" else v for n, v in PULSE.items())]
    made = PulseBackendConfiguration(*values, max_experiments=75, url="x")
    document = {**CORE, **PULSE, "max_experiments": 75, "url": "x"}
    assert made.to_dict() == {**document, "dynamic_reprate_enabled": False}


def test_fields_are_in_si_units_and_parts_are_models(
    configuration: PulseBackendConfiguration,
) -> None:
    assert configuration.dt == 5e-10
    assert configuration.sample_rate == pytest.approx(2e9)
    assert configuration.rep_times == [1e-4]
    assert configuration.qubit_lo_range == [[4.5e9, 5.5e9]] * 2
    assert configuration.u_channel_lo[1][0] == UchannelLO(0, -1 + 0.5j)
    assert configuration.u_channel_lo[1][0].scale == -1 + 0.5j
    assert configuration.hamiltonian is None


def test_newer_document_without_required_fields_is_read_and_comes_back() -> None:
    document = {**CORE, "meas_levels": None, "acquisition_latency": []}
    made = PulseBackendConfiguration.from_dict(document)
    assert made.to_dict() == document
    assert not hasattr(made, "u_channel_lo")
    assert made.meas_levels is None


def test_pulse_and_plain_configuration_of_one_document_are_equal(
    configuration: PulseBackendConfiguration,
) -> None:
    plain = QasmBackendConfiguration.from_dict(configuration.to_dict())
    assert plain == configuration
    assert configuration == plain


def test_configuration_class_follows_open_pulse() -> None:
    assert configuration_class({"open_pulse": True}) is PulseBackendConfiguration
    assert configuration_class({"open_pulse": False}) is QasmBackendConfiguration


def test_channels_are_found_by_qubit_and_qubits_by_channel(
    configuration: PulseBackendConfiguration,
) -> None:
    assert (configuration.drive(1), configuration.measure(1)) == ("d1", "m1")
    assert configuration.acquire(0) == "acquire0"
    assert configuration.control((1, 0)) == ["u1"]
    assert configuration.get_channel_qubits("u0") == [0, 1]
    assert configuration.get_qubit_channels(1) == ["d1", "u0", "u1"]
    assert configuration.get_qubit_channels((0, 1)) == ["u0"]


def test_describe_gives_the_factors_of_a_control_channel(
    configuration: PulseBackendConfiguration,
) -> None:
    assert configuration.describe("u1") == {"d0": -1 + 0.5j, "d1": 1}


@pytest.mark.parametrize(
    ("method", "argument", "message"),
    [
        ("drive", 2, "2 qubits, no qubit 2"),
        ("measure", -1, "no qubit -1"),
        ("acquire", 2, "no qubit 2"),
        ("control", (0, 0), "no control channel"),
        ("get_channel_qubits", "d7", "no channel 'd7'"),
        ("get_qubit_channels", 5, "no channel on qubit 5"),
        ("describe", "d0", "'d0' is not one of bench's 2 control channels"),
        ("describe", "u2", "'u2' is not one of bench's 2 control channels"),
    ],
)
def test_lookup_of_what_is_not_there_says_so(
    configuration: PulseBackendConfiguration, method: str, argument: Any, message: str
) -> None:
    with pytest.raises(BackendConfigurationError, match=message):
        getattr(configuration, method)(argument)


def test_lookup_without_channel_information_says_so() -> None:
    made = PulseBackendConfiguration.from_dict({**CORE, **PULSE})
    with pytest.raises(BackendConfigurationError, match="bench does not tell its channels"):
        made.control((0, 1))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[{"q": -1, "scale": [1, 0]}]], r"u_channel_lo\[0\]\[0\]: q must be >=0"),
        ([[], [{"q": 0, "scale": "x"}]], r"u_channel_lo\[1\]\[0\]: scale"),
        ([5], r"u_channel_lo\[0\]: a list is needed"),
        (5, "u_channel_lo: a list is needed"),
    ],
)
def test_u_channel_lo_that_cannot_be_read_names_the_place(rows: Any, message: str) -> None:
    with pytest.raises(BackendConfigurationError, match=message):
        PulseBackendConfiguration.from_dict({**CORE, **PULSE, "u_channel_lo": rows})


def test_uchannel_lo_takes_a_number_or_a_pair_and_gives_the_pair() -> None:
    assert UchannelLO(0, 1.5) == UchannelLO(0, [1.5, 0.0])
    assert UchannelLO(0, 1 + 2j).to_dict() == {"q": 0, "scale": [1.0, 2.0]}
