"""The calibrated pulses of a backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from longwire.codecs.document_fields import DocumentFields
from longwire.v1 import pulse_defaults_pb2

if TYPE_CHECKING:
    from longwire.providers.models.pulse_defaults import PulseDefaults

__all__ = ["pulse_defaults_from_proto", "pulse_defaults_to_proto"]

_FIELDS = DocumentFields("qubit_freq_est", "meas_freq_est", "pulse_library")


def pulse_defaults_to_proto(defaults: PulseDefaults) -> pulse_defaults_pb2.PulseDefaults:
    """The message for pulse defaults.

    Raises:
        CodecError: a member cannot be represented; the error gives its place.
    """
    return _FIELDS.to_message(pulse_defaults_pb2.PulseDefaults(), defaults.to_si_dict())


def pulse_defaults_from_proto(message: pulse_defaults_pb2.PulseDefaults) -> PulseDefaults:
    """The pulse defaults of a message.

    Raises:
        CodecError: the message contradicts itself, or is no such document.
    """
    from longwire.providers.models.pulse_defaults import PulseDefaults

    return _FIELDS.to_model(message, PulseDefaults.from_si_dict)
