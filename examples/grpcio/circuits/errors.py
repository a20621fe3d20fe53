"""Errors as a program can act on them: the status, the reason, and what stands beside it."""

from __future__ import annotations

from dataclasses import dataclass, field

import grpc
from google.protobuf.any_pb2 import Any
from google.rpc import error_details_pb2 as details
from grpc_status import rpc_status


@dataclass
class CallError(Exception):
    """A call that was refused, or broke."""

    status: grpc.StatusCode
    message: str
    reason: str = ""
    """The stable reason, such as LIMIT_EXCEEDED; empty where the server did not say one."""

    metadata: dict[str, str] = field(default_factory=dict)
    """What belongs to the reason, such as ``limit`` and ``maximum``."""

    fields: list[tuple[str, str]] = field(default_factory=list)
    """Fields of the request that are wrong, and why."""

    quotas: list[tuple[str, str]] = field(default_factory=list)
    """Quotas that were used up."""

    retry_seconds: float | None = None
    """When to try again, where that helps."""

    @property
    def is_broken_connection(self) -> bool:
        """Whether the same call, made once more, may succeed: nobody said no to it."""
        return self.status in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)


class JobError(Exception):
    """A job that ended without a result."""


def call_error(error: grpc.RpcError) -> CallError:
    """What gRPC raised, with the details that the server sent along."""
    assert isinstance(error, grpc.Call)
    made = CallError(error.code(), error.details() or "")
    status = rpc_status.from_call(error)
    for packed in status.details if status is not None else ():
        _add(made, packed)
    return made


def _add(made: CallError, packed: Any) -> None:
    info, request = details.ErrorInfo(), details.BadRequest()
    quota, retry = details.QuotaFailure(), details.RetryInfo()
    if packed.Unpack(info) and info.domain == "longwire":
        made.reason, made.metadata = info.reason, dict(info.metadata)
    elif packed.Unpack(request):
        made.fields = [(each.field, each.description) for each in request.field_violations]
    elif packed.Unpack(quota):
        made.quotas = [(each.subject, each.description) for each in quota.violations]
    elif packed.Unpack(retry):
        made.retry_seconds = retry.retry_delay.ToNanoseconds() / 1e9
