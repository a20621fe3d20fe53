"""What a loaded backend is, in the words of the wire."""

from __future__ import annotations

from longwire.codecs.backend_configuration import backend_configuration_to_proto
from longwire.codecs.backend_properties import backend_properties_to_proto
from longwire.codecs.qpy_instructions import newest_qpy_version
from longwire.codecs.target import encode_target
from longwire.codecs.value import struct_to_proto, value_to_proto
from longwire.errors import CodecError
from longwire.v1.program_pb2 import ProgramFormat, ProgramFormatSupport
from longwire_server.backends.hosted_backend import HostedBackend
from longwire_server.execution.frames_pb2 import BackendLoaded

# Older QPY can run code while it is read (CVE-2025-2000).
_MIN_QPY_VERSION = 13

# A device's noise model is beyond it, and every choice, number and list below.
_LARGEST_DEFAULT_BYTES = 1024

_ACCEPTED_PROGRAMS = (
    ProgramFormatSupport(
        format=ProgramFormat.PROGRAM_FORMAT_QPY,
        min_version=_MIN_QPY_VERSION,
        max_version=newest_qpy_version(),
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
        target=encode_target(description.target),
    )
    message.backend.target_sha256 = message.target.sha256
    message.backend.default_options.CopyFrom(
        struct_to_proto(
            {name: value for name, value in description.default_options.items() if _is_told(value)}
        )
    )
    message.backend.translation_stage_plugin = _stage_plugin(backend, "translation")
    message.backend.scheduling_stage_plugin = _stage_plugin(backend, "scheduling")
    message.backend.accepted_programs.extend(_ACCEPTED_PROGRAMS)
    if not message.backend.status.status_msg:
        message.backend.status.status_msg = "active"
    if description.properties is not None:
        message.properties.CopyFrom(backend_properties_to_proto(description.properties))
    return message


def _stage_plugin(backend: HostedBackend, stage: str) -> str:
    """The transpiler's plugin that a driver wants for a stage, where it wants any."""
    plugin = getattr(backend.driver, f"get_{stage}_stage_plugin", None)
    return (plugin() if plugin is not None else None) or ""


def _is_told(default: object) -> bool:
    """Whether an option's default is one that every listing of backends can carry."""
    try:
        return value_to_proto(default).ByteSize() <= _LARGEST_DEFAULT_BYTES
    except CodecError:
        return False
