"""What an audit record says of a call: who made it, what it was about, how it ended."""

from __future__ import annotations

import asyncio
import time
from functools import cache
from typing import Any, Final

from google.protobuf.descriptor import Descriptor
from google.rpc import code_pb2

from longwire.v1.account_pb2 import CredentialKind
from longwire.v1.error_pb2 import ErrorReason
from longwire_server.accounts.caller import Caller
from longwire_server.accounts.roles import role_name
from longwire_server.refusals import RequestRefusedError
from longwire_server.servicers.access_table import Audit
from longwire_server.servicers.status_table import STATUS_CODES
from longwire_server.store.job_store import StoreError
from longwire_server.telemetry.audit import AuditLog

# Paths of fields, in requests and responses, that say what a call is about.
_ABOUT: Final = {
    "job_id": ("job_id", "job.job_id", "events.0.job_id"),
    "backend_name": ("backend_name", "spec.backend_name", "job.backend_name"),
    "session_id": ("session_id", "session.session_id"),
    "about_token_id": ("token_id", "token.token_id"),
    "about_tenant": ("tenant", "tenant.name", "token.tenant", "job.tenant"),
    "all_tenants": ("all_tenants",),
}
_MAX_CHARACTERS: Final = 256
_KINDS: Final = {
    number: name.removeprefix("CREDENTIAL_KIND_").lower() for name, number in CredentialKind.items()
}


class AuditTrail:
    """The record of one call in the making.

    Args:
        log: where it goes; None for nowhere.
        audit: which calls of the RPC are recorded.
        method: the RPC's full name.
        address: where the call comes from.
    """

    def __init__(self, log: AuditLog | None, audit: Audit, method: str, address: str) -> None:
        self._log = log
        self._audit = audit
        self._facts: dict[str, object] = {"method": method.lstrip("/"), "address": address}
        self._is_written = log is None
        self._started = time.monotonic()

    def shown(self, token_id: str) -> None:
        """Says which API token the call shows, before it is known whether it is good."""
        if not self._is_written and token_id:
            self._facts["shown_token_id"] = token_id

    def by(self, caller: Caller) -> None:
        """Says who makes the call."""
        if not self._is_written:
            self._facts |= {
                "tenant": caller.tenant,
                "subject": caller.subject,
                "role": role_name(caller.role),
                "credential": _KINDS[caller.credential_kind],
                "token_id": caller.token_id,
            }

    def about(self, message: Any) -> None:
        """Takes from a request, or the first response, what the call is about."""
        if not self._is_written:
            self._facts |= facts_in(message)

    def end(self, error: BaseException | None = None) -> None:
        """Writes the record, if the call is one to record and it was not written before."""
        if not self._is_written and self._log is not None and self._is_to_be_recorded():
            self._log.record(self._ended(error))
            self._is_written = True

    def refuse(self, error: RequestRefusedError) -> None:
        """Writes the record of a caller that was refused for who it is."""
        if not self._is_written and self._log is not None:
            self._log.record_refusal(self._ended(error))
            self._is_written = True

    def _is_to_be_recorded(self) -> bool:
        if self._audit is not Audit.BEYOND_TENANT:
            return self._audit is Audit.ALWAYS
        # Of some calls only the response tells whose the thing is.
        own = self._facts["tenant"]
        return "all_tenants" in self._facts or self._facts.get("about_tenant", own) != own

    def _ended(self, error: BaseException | None) -> dict[str, object]:
        code, reason = _outcome(error)
        seconds = time.monotonic() - self._started
        return {
            **self._facts,
            "code": code,
            "reason": reason,
            "duration_ms": round(seconds * 1000, 3),
        }


def facts_in(message: Any) -> dict[str, object]:
    """What a message says of what its call is about, by the names of the records."""
    facts: dict[str, object] = {}
    for name, path in _paths(message.DESCRIPTOR):
        value = message
        for part in path:
            value = next(iter(value), None) if part == "0" else getattr(value, part)
            if value is None:
                break
        if value:
            facts[name] = value[:_MAX_CHARACTERS] if isinstance(value, str) else value
    return facts


@cache
def _paths(descriptor: Descriptor) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The paths of fields that a kind of message has, with the names of their records."""
    return tuple(
        (name, tuple(path.split(".")))
        for name, paths in _ABOUT.items()
        for path in paths
        if _leads_to_value(descriptor, path.split("."))
    )


def _leads_to_value(descriptor: Descriptor | None, path: list[str]) -> bool:
    for number, part in enumerate(path):
        if part == "0":
            continue
        field = None if descriptor is None else descriptor.fields_by_name.get(part)
        if field is None or field.is_repeated != (path[number + 1 : number + 2] == ["0"]):
            return False
        descriptor = field.message_type
    return descriptor is None


def _outcome(error: BaseException | None) -> tuple[str, str]:
    """The code and the reason with which a call ends that raised this."""
    if error is None:
        return "OK", ""
    if isinstance(error, RequestRefusedError):
        reason = error.reason
    elif isinstance(error, StoreError):
        reason = ErrorReason.ERROR_REASON_STORE_UNAVAILABLE
    elif isinstance(error, asyncio.CancelledError | GeneratorExit):
        return "CANCELLED", ""
    else:
        reason = ErrorReason.ERROR_REASON_INTERNAL
    name = ErrorReason.Name(reason).removeprefix("ERROR_REASON_")
    return code_pb2.Code.Name(STATUS_CODES[reason]), name
