"""The configuration of a backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from longwire.codecs.document_fields import DocumentFields
from longwire.v1 import backend_configuration_pb2

if TYPE_CHECKING:
    from longwire.providers.models.backend_configuration import QasmBackendConfiguration

__all__ = ["backend_configuration_from_proto", "backend_configuration_to_proto"]

_FIELDS = DocumentFields("basis_gates", "gates", "parameters")


def backend_configuration_to_proto(
    configuration: QasmBackendConfiguration,
) -> backend_configuration_pb2.BackendConfiguration:
    """The message for a configuration, with or without pulses.

    Raises:
        CodecError: a member cannot be represented; the error gives its place.
    """
    message = backend_configuration_pb2.BackendConfiguration()
    return _FIELDS.to_message(message, configuration.to_si_dict())


def backend_configuration_from_proto(
    message: backend_configuration_pb2.BackendConfiguration,
) -> QasmBackendConfiguration:
    """The configuration of a message: a PulseBackendConfiguration where it is open to pulses.

    Raises:
        CodecError: the message contradicts itself, or is no configuration.
    """
    from longwire.providers.models.pulse_backend_configuration import configuration_class

    def build(document: dict[str, Any]) -> QasmBackendConfiguration:
        return configuration_class(document).from_si_dict(document)

    return _FIELDS.to_model(message, build)
