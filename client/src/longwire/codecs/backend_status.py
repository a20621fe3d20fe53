"""The status of a backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from longwire.codecs.failure import codec_error
from longwire.v1 import backend_status_pb2

if TYPE_CHECKING:
    from longwire.providers.models.backend_status import BackendStatus

__all__ = ["backend_status_from_proto", "backend_status_to_proto"]


def backend_status_to_proto(status: BackendStatus) -> backend_status_pb2.BackendStatus:
    """The message for a status.

    Raises:
        CodecError: pending_jobs is beyond 64 bits, or a text is not Unicode.
    """
    try:
        return backend_status_pb2.BackendStatus(**status.to_dict())
    except (TypeError, ValueError) as error:
        raise codec_error(f"{status!r} cannot be sent: {error}") from error


def backend_status_from_proto(message: backend_status_pb2.BackendStatus) -> BackendStatus:
    """The status of a message.

    Raises:
        CodecError: its version is not X.Y.Z.
    """
    from longwire.providers.models.backend_status import BackendStatus

    if not BackendStatus.version_regex.match(message.backend_version):
        raise codec_error(
            f"BackendStatus of {message.backend_name!r}: its version "
            f"{message.backend_version!r} is not of the form X.Y.Z, as the protocol demands"
        )
    return BackendStatus(
        backend_name=message.backend_name,
        backend_version=message.backend_version,
        operational=message.operational,
        pending_jobs=message.pending_jobs,
        status_msg=message.status_msg,
    )
