"""Results as messages, for callers that asked for them so."""

from __future__ import annotations

import logging

from google.protobuf.message import DecodeError

from longwire.codecs.compression import decompress
from longwire.codecs.failure import MisfitError
from longwire.v1.job_event_pb2 import JobEvent
from longwire.v1.job_pb2 import JobKind

_logger = logging.getLogger(__name__)


def with_plain_result(events: list[JobEvent], most_bytes: int) -> list[JobEvent]:
    """The same events; a result in the last of them is the message instead of its bytes.

    The worker that wrote it is not trusted: what is too large, or cannot be read, stays
    as it is.

    Args:
        events: as others are told them, too: they are not changed.
        most_bytes: the largest message.
    """
    last = events[-1]
    if not last.finished.result.data:
        return events
    encoded = last.finished.result
    try:
        serialized = decompress(encoded.data, encoded.compression, most_bytes=most_bytes)
        told = JobEvent()
        told.CopyFrom(last)
        finished = told.finished
        is_primitive = finished.job.kind in (JobKind.JOB_KIND_SAMPLER, JobKind.JOB_KIND_ESTIMATOR)
        plain = finished.plain_primitive_result if is_primitive else finished.plain_result
        plain.ParseFromString(serialized)
    except (MisfitError, DecodeError) as error:
        _logger.debug("a result of job %s stays as it is: %s", last.job_id, error)
        return events
    finished.ClearField("result")
    return [*events[:-1], told]
