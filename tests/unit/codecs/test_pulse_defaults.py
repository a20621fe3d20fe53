"""Pulse defaults are typed on the wire, with samples as arrays."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from longwire.codecs.array import array_from_proto
from longwire.codecs.pulse_defaults import pulse_defaults_from_proto, pulse_defaults_to_proto
from longwire.codecs.value import struct_from_proto
from longwire.errors import CodecError
from longwire.providers.models import PulseDefaults
from longwire.v1 import array_pb2

DOCUMENT = Path(__file__).parent / "documents" / "defs_bench.json"


@pytest.fixture
def defaults() -> PulseDefaults:
    return PulseDefaults.from_dict(json.loads(DOCUMENT.read_text(encoding="utf-8")))


def test_quantities_and_samples_are_typed(defaults: PulseDefaults) -> None:
    message = pulse_defaults_to_proto(defaults)
    assert list(message.qubit_freq_est) == pytest.approx([4.9715e9, 4.7701e9])
    samples = message.pulse_library[0].samples
    assert samples.element_type == array_pb2.ELEMENT_TYPE_COMPLEX128
    np.testing.assert_array_equal(array_from_proto(samples), [0, 0.25 - 0.5j, 0.5])
    instruction = message.cmd_def[0].sequence[1]
    assert (instruction.name, instruction.t0, instruction.ch) == ("parametric_pulse", 0, "d0")
    assert struct_from_proto(instruction.extra)["parameters"]["sigma"] == 40


def test_empty_parameters_and_an_empty_sequence_are_not_absent(defaults: PulseDefaults) -> None:
    received = pulse_defaults_from_proto(pulse_defaults_to_proto(defaults))
    assert received.discriminator.params == {}
    assert received.cmd_def[1].sequence == []
    assert not hasattr(received.cmd_def[2], "sequence")


def test_samples_and_frequencies_come_back_bit_for_bit(defaults: PulseDefaults) -> None:
    defaults.meas_freq_est = [1e9 / 3, 7.1e9]
    received = pulse_defaults_from_proto(pulse_defaults_to_proto(defaults))
    assert received.meas_freq_est == defaults.meas_freq_est
    for item, original in zip(received.pulse_library, defaults.pulse_library, strict=True):
        assert item.samples.tobytes() == original.samples.tobytes()


def test_message_whose_samples_contradict_their_shape_is_a_codec_error(
    defaults: PulseDefaults,
) -> None:
    message = pulse_defaults_to_proto(defaults)
    message.pulse_library[0].samples.shape[0] = 17
    with pytest.raises(CodecError, match=r"PulseDefaults\.pulse_library\[0\]\.samples: "):
        pulse_defaults_from_proto(message)
