"""The errors that Longwire raises, every one a ``QiskitError``, and its warning.

::

    QiskitError
    └── LongwireError
        ├── ServerUnreachableError         no answer from the address
        │   └── TlsError                   the two sides agree on no TLS, or do not trust each other
        ├── RequestRefusedError            the server refused a call
        │   ├── InvalidArgumentError
        │   ├── InvalidProgramError        also raised before anything is sent
        │   ├── InvalidOptionError         also raised before anything is sent
        │   │   └── UnknownOptionError     (also AttributeError) also raised before anything is sent
        │   ├── BackendNotFoundError       (also QiskitBackendNotFoundError)
        │   ├── BackendNotOperationalError
        │   ├── JobNotFoundError
        │   ├── ProgramNotFoundError       of a program sent by its digest; never left unanswered
        │   ├── ResultNotAvailableError
        │   ├── LimitExceededError
        │   ├── RequestIdReusedError
        │   ├── AuthenticationError        no credentials, or none that are good
        │   ├── PermissionDeniedError      the caller is known and may not do this
        │   ├── SessionNotFoundError
        │   ├── TokenNotFoundError
        │   ├── JobNotQueuedError
        │   ├── ServerBusyError            draining, or its store is away: retry
        │   └── ServerInternalError
        ├── JobFailedError                 (also JobError) the job ended in ERROR
        ├── JobCancelledError              (also JobError)
        ├── JobTimeoutError                (also qiskit.providers.JobTimeoutError)
        ├── CodecError                     bytes or objects that cannot cross the wire
        ├── InvalidQobjError               a Qobj breaks its schema
        ├── BackendConfigurationError
        └── BackendPropertyError

    UserWarning
    └── CalibrationChangedWarning

The classes that a call raises are chosen by the server's stable reason
(:class:`longwire.v1.error_pb2.ErrorReason`), never by the text of a message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from qiskit.exceptions import QiskitError
from qiskit.providers.exceptions import (
    JobError as QiskitJobError,
    JobTimeoutError as QiskitJobTimeoutError,
    QiskitBackendNotFoundError,
)

__all__ = [
    "AuthenticationError",
    "BackendConfigurationError",
    "BackendNotFoundError",
    "BackendNotOperationalError",
    "BackendPropertyError",
    "CalibrationChangedWarning",
    "CodecError",
    "InvalidArgumentError",
    "InvalidOptionError",
    "InvalidProgramError",
    "InvalidQobjError",
    "JobCancelledError",
    "JobFailedError",
    "JobNotFoundError",
    "JobNotQueuedError",
    "JobTimeoutError",
    "LimitExceededError",
    "LongwireError",
    "PermissionDeniedError",
    "ProgramNotFoundError",
    "RequestIdReusedError",
    "RequestRefusedError",
    "ResultNotAvailableError",
    "ServerBusyError",
    "ServerInternalError",
    "ServerUnreachableError",
    "SessionNotFoundError",
    "TlsError",
    "TokenNotFoundError",
    "UnknownOptionError",
]


class LongwireError(QiskitError):
    """The root of Longwire's errors.

    Attributes:
        reason: a stable word for programs: a name of ``ErrorReason`` without its
            prefix where the server told one, or else the class's own.
        details: what else the server told, by name (``limit``, ``near``, ...).
    """

    default_reason: ClassVar[str] = "LONGWIRE"

    def __init__(
        self, *message: str, reason: str = "", details: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(*message)
        self.reason = reason or self.default_reason
        self.details: dict[str, str] = dict(details or {})

    def __str__(self) -> str:
        # Qiskit's own has the message in quotes.
        return str(self.message)

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "default_reason" not in vars(cls):
            words = re.findall("[A-Z][a-z]+", cls.__name__.removesuffix("Error"))
            cls.default_reason = "_".join(words).upper()


class ServerUnreachableError(LongwireError):
    """No server answered at the address, or the connection broke and did not come back."""


class TlsError(ServerUnreachableError):
    """Server and client agree on no TLS, or one does not trust the other's certificate."""

    default_reason = "TLS"


class RequestRefusedError(LongwireError):
    """The server refused a call; its subclasses say why."""


class InvalidArgumentError(RequestRefusedError):
    """An argument of the call is missing or wrong."""

    default_reason = "ARGUMENT_INVALID"


class InvalidProgramError(RequestRefusedError):
    """The program cannot be read, or the backend does not take its format."""

    default_reason = "PROGRAM_INVALID"


class InvalidOptionError(RequestRefusedError):
    """A run option is unknown, or its value is wrong."""

    default_reason = "OPTION_INVALID"


class UnknownOptionError(InvalidOptionError, AttributeError):
    """A backend has no option of this name; the message gives the nearest ones."""

    default_reason = "OPTION_INVALID"


class BackendNotFoundError(RequestRefusedError, QiskitBackendNotFoundError):
    """No backend has this name; the message gives the nearest ones."""


class BackendNotOperationalError(RequestRefusedError):
    """The backend exists but cannot run jobs now."""


class JobNotFoundError(RequestRefusedError):
    """No job of yours has this id."""


class ProgramNotFoundError(RequestRefusedError):
    """The server has no payloads with this digest.

    Whoever runs circuits never sees it: the payloads are sent once more.
    """


class ResultNotAvailableError(RequestRefusedError):
    """The job has no result: it has not finished, ended without one, or it is kept no longer."""


class LimitExceededError(RequestRefusedError):
    """A limit of the server was exceeded; ``details["limit"]`` names the setting."""


class RequestIdReusedError(RequestRefusedError):
    """The request id was used before for another request."""


class AuthenticationError(RequestRefusedError):
    """The server asks who calls: there is no credential, or it is wrong, old or revoked."""

    default_reason = "UNAUTHENTICATED"


class PermissionDeniedError(RequestRefusedError):
    """The server knows the caller, who may not do this; ``details`` names the role or scope."""


class SessionNotFoundError(RequestRefusedError):
    """No session of yours has this id, or it is over."""


class TokenNotFoundError(RequestRefusedError):
    """No API token has this id."""


class JobNotQueuedError(RequestRefusedError):
    """The job does not wait any more, so it cannot be moved."""


class ServerBusyError(RequestRefusedError):
    """The server takes no jobs at this moment; the same call may succeed later."""

    default_reason = "SERVER_DRAINING"


class ServerInternalError(RequestRefusedError):
    """A defect of the server; its log has the details under the id in the message."""

    default_reason = "INTERNAL"


class JobFailedError(LongwireError, QiskitJobError):
    """The job ended in state ERROR; the message is the backend's, with the circuit's name."""

    default_reason = "EXECUTION_FAILED"


class JobCancelledError(LongwireError, QiskitJobError):
    """The job was cancelled, so it has no result."""

    default_reason = "CANCELLED"


class JobTimeoutError(LongwireError, QiskitJobTimeoutError):
    """The job did not reach a final state within the time that the caller gave it."""

    default_reason = "TIMEOUT"


class CodecError(LongwireError):
    """An object cannot be written to the wire, or bytes from the wire cannot be read."""

    default_reason = "CODEC"


class InvalidQobjError(LongwireError):
    """A Qobj breaks its schema; the message gives the place in the document."""


class BackendConfigurationError(LongwireError):
    """A backend configuration is incomplete or contradicts itself."""


class BackendPropertyError(LongwireError):
    """A backend's properties have no such entry, or its unit is unknown."""


class CalibrationChangedWarning(UserWarning):
    """A job was accepted by a backend whose Target is not the one that was read here.

    Attributes:
        job_id: the job that was accepted, and runs.
    """

    def __init__(self, message: str, job_id: str = "") -> None:
        super().__init__(message)
        self.job_id = job_id
