"""The properties of a backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from longwire.codecs.document_fields import DocumentFields
from longwire.v1 import backend_properties_pb2

if TYPE_CHECKING:
    from longwire.providers.models.backend_properties import BackendProperties

__all__ = ["backend_properties_from_proto", "backend_properties_to_proto"]

_FIELDS = DocumentFields("qubits", "gates", "general", "parameters")


def backend_properties_to_proto(
    properties: BackendProperties,
) -> backend_properties_pb2.BackendProperties:
    """The message for properties.

    Raises:
        CodecError: a member cannot be represented; the error gives its place.
    """
    return _FIELDS.to_message(backend_properties_pb2.BackendProperties(), properties.to_dict())


def backend_properties_from_proto(
    message: backend_properties_pb2.BackendProperties,
) -> BackendProperties:
    """The properties of a message.

    Raises:
        CodecError: the message contradicts itself, or a date is not ISO 8601.
    """
    from longwire.providers.models.backend_properties import BackendProperties

    return _FIELDS.to_model(message, BackendProperties.from_dict)
