"""What a loaded backend is, in the words of the wire."""

from __future__ import annotations

from qiskit.qpy.common import QPY_VERSION

from longwire.codecs.backend_configuration import backend_configuration_to_proto
from longwire.codecs.backend_properties import backend_properties_to_proto
from longwire.v1.program_pb2 import ProgramFormat, ProgramFormatSupport
from longwire_server.backends.hosted_backend import HostedBackend
from longwire_server.execution.frames_pb2 import BackendLoaded

# Older QPY can run code while it is read (CVE-2025-2000).
_MIN_QPY_VERSION = 13

_ACCEPTED_PROGRAMS = (
    ProgramFormatSupport(
        format=ProgramFormat.PROGRAM_FORMAT_QPY,
        min_version=_MIN_QPY_VERSION,
        max_version=QPY_VERSION,
    ),
    ProgramFormatSupport(format=ProgramFormat.PROGRAM_FORMAT_OPENQASM3),
    ProgramFormatSupport(format=ProgramFormat.PROGRAM_FORMAT_OPENQASM2),
    ProgramFormatSupport(format=ProgramFormat.PROGRAM_FORMAT_QOBJ),
)


def describe(backend: HostedBackend) -> BackendLoaded:
    """A loaded backend's description for the server."""
    description = backend.describe()
    message = BackendLoaded(
        backend=description.backend,
        configuration=backend_configuration_to_proto(description.configuration),
    )
    message.backend.accepted_programs.extend(_ACCEPTED_PROGRAMS)
    if not message.backend.status.status_msg:
        message.backend.status.status_msg = "active"
    if description.properties is not None:
        message.properties.CopyFrom(backend_properties_to_proto(description.properties))
    return message
