"""The one table from an exception to a gRPC status."""

from __future__ import annotations

import datetime
import functools
import logging
import secrets

import grpc
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from longwire.v1.error_pb2 import ErrorReason
from longwire_server.refusals import RequestRefusedError, store_unavailable
from longwire_server.store.job_store import StoreError

_logger = logging.getLogger(__name__)

ERROR_DOMAIN = "longwire"

STATUS_CODES: dict[ErrorReason.ValueType, int] = {
    ErrorReason.ERROR_REASON_INTERNAL: code_pb2.INTERNAL,
    ErrorReason.ERROR_REASON_ARGUMENT_INVALID: code_pb2.INVALID_ARGUMENT,
    ErrorReason.ERROR_REASON_PROGRAM_INVALID: code_pb2.INVALID_ARGUMENT,
    ErrorReason.ERROR_REASON_PROGRAM_FORMAT_UNSUPPORTED: code_pb2.INVALID_ARGUMENT,
    ErrorReason.ERROR_REASON_OPTION_INVALID: code_pb2.INVALID_ARGUMENT,
    ErrorReason.ERROR_REASON_BACKEND_NOT_FOUND: code_pb2.NOT_FOUND,
    ErrorReason.ERROR_REASON_BACKEND_NOT_OPERATIONAL: code_pb2.FAILED_PRECONDITION,
    ErrorReason.ERROR_REASON_JOB_NOT_FOUND: code_pb2.NOT_FOUND,
    ErrorReason.ERROR_REASON_JOB_NOT_FINISHED: code_pb2.FAILED_PRECONDITION,
    ErrorReason.ERROR_REASON_RESULT_NOT_AVAILABLE: code_pb2.FAILED_PRECONDITION,
    ErrorReason.ERROR_REASON_PROGRAM_NOT_FOUND: code_pb2.FAILED_PRECONDITION,
    ErrorReason.ERROR_REASON_LIMIT_EXCEEDED: code_pb2.RESOURCE_EXHAUSTED,
    ErrorReason.ERROR_REASON_REQUEST_ID_REUSED: code_pb2.ALREADY_EXISTS,
    ErrorReason.ERROR_REASON_SERVER_DRAINING: code_pb2.UNAVAILABLE,
    ErrorReason.ERROR_REASON_STORE_UNAVAILABLE: code_pb2.UNAVAILABLE,
    ErrorReason.ERROR_REASON_UNAUTHENTICATED: code_pb2.UNAUTHENTICATED,
    ErrorReason.ERROR_REASON_PERMISSION_DENIED: code_pb2.PERMISSION_DENIED,
    ErrorReason.ERROR_REASON_SESSION_NOT_FOUND: code_pb2.NOT_FOUND,
    ErrorReason.ERROR_REASON_TOKEN_NOT_FOUND: code_pb2.NOT_FOUND,
    ErrorReason.ERROR_REASON_JOB_NOT_QUEUED: code_pb2.FAILED_PRECONDITION,
}


def status_of(error: BaseException) -> grpc.Status:
    """The status with which a call ends that raised ``error``.

    What is not a refusal is a defect: it is logged under an id, and only the id
    is told.
    """
    if isinstance(error, StoreError):
        _logger.error("the store failed: %s", error)
        error = store_unavailable()
    elif not isinstance(error, RequestRefusedError):
        error = _internal(error)
    return _status(
        error.reason,
        error.message,
        tuple(error.details.items()),
        error.field,
        error.retry_after_seconds,
    )


# An overloaded server says the same to many.
@functools.lru_cache(maxsize=256)
def _status(
    reason: ErrorReason.ValueType,
    message: str,
    facts: tuple[tuple[str, str], ...],
    field: str | None,
    retry_after_seconds: float | None,
) -> grpc.Status:
    """The status of a refusal; see :class:`RequestRefusedError`."""
    metadata = dict(facts)
    details: list[any_pb2.Any] = [
        _packed(
            error_details_pb2.ErrorInfo(
                reason=ErrorReason.Name(reason).removeprefix("ERROR_REASON_"),
                domain=ERROR_DOMAIN,
                metadata=metadata,
            )
        )
    ]
    if field is not None:
        violation = error_details_pb2.BadRequest.FieldViolation(field=field, description=message)
        details.append(_packed(error_details_pb2.BadRequest(field_violations=[violation])))
    if retry_after_seconds is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromTimedelta(datetime.timedelta(seconds=retry_after_seconds))
        details.append(_packed(retry))
    if "limit" in metadata:
        quota = error_details_pb2.QuotaFailure.Violation(
            subject=metadata["limit"], description=message
        )
        details.append(_packed(error_details_pb2.QuotaFailure(violations=[quota])))
    status: grpc.Status = rpc_status.to_status(
        status_pb2.Status(code=STATUS_CODES[reason], message=message, details=details)
    )
    return status


def _internal(error: BaseException) -> RequestRefusedError:
    error_id = secrets.token_hex(4)
    _logger.error("error %s: an exception that nothing expected", error_id, exc_info=error)
    return RequestRefusedError(
        ErrorReason.ERROR_REASON_INTERNAL,
        f"The server has a defect; its log has the details under error {error_id}",
        details={"error_id": error_id},
    )


def _packed(message: object) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)  # type: ignore[arg-type]
    return packed
