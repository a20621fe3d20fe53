"""The status of a job, as a record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from longwire.codecs.failure import codec_error
from longwire.codecs.value import struct_from_proto, struct_to_proto
from longwire.v1 import job_pb2

if TYPE_CHECKING:
    from longwire.providers.models.job_status import JobStatus

__all__ = ["job_status_from_proto", "job_status_to_proto"]

_PREFIX = "JOB_STATE_"
# The states by the names that qiskit.providers.JobStatus gives them.
_STATES: dict[str, int] = {
    name.removeprefix(_PREFIX): number
    for name, number in job_pb2.JobState.items()
    if number != job_pb2.JOB_STATE_UNSPECIFIED
}
_NAMES = {number: name for name, number in _STATES.items()}


def job_status_to_proto(status: JobStatus) -> job_pb2.JobStatus:
    """The message for a status.

    Raises:
        CodecError: its status is not the name of a state, or a further member
            cannot be represented.
    """
    members = status.to_dict()
    fields = {name: members.pop(name) for name in ("job_id", "status", "status_msg")}
    if fields["status"] not in _STATES:
        raise codec_error(
            f"JobStatus of {fields['job_id']!r}: {fields['status']!r} is not the name of a "
            f"state: use one of {', '.join(_STATES)}"
        )
    fields["status"] = _STATES[fields["status"]]
    try:
        message = job_pb2.JobStatus(**fields)
    except (TypeError, ValueError) as error:
        raise codec_error(f"{status!r} cannot be sent: {error}") from error
    if members:
        message.extra.CopyFrom(struct_to_proto(members))
    return message


def job_status_from_proto(message: job_pb2.JobStatus) -> JobStatus:
    """The status of a message.

    Raises:
        CodecError: its state is not set or newer than this version.
    """
    from longwire.providers.models.job_status import JobStatus

    if message.status not in _NAMES:
        raise codec_error(
            f"JobStatus of {message.job_id!r}: state {message.status} is unknown to this "
            "version of longwire: upgrade it"
        )
    members = struct_from_proto(message.extra)
    members |= {
        "job_id": message.job_id,
        "status": _NAMES[message.status],
        "status_msg": message.status_msg,
    }
    return JobStatus.from_dict(members)
