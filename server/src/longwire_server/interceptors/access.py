"""Who calls, and whether they may: the layer in front of every servicer.

A call that is refused is refused before its request is read: strangers cannot make the
server take in or parse what they send.
"""

from __future__ import annotations

import contextlib
import functools
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

import grpc
import grpc.aio

from longwire_server.accounts.access_refusals import (
    role_needed,
    scope_needed,
    unauthenticated,
    unclassified,
)
from longwire_server.accounts.authenticator import Authenticator, shown_token_id
from longwire_server.accounts.caller import Caller, caller, set_caller
from longwire_server.interceptors.audit_trail import AuditTrail
from longwire_server.interceptors.credential_watch import while_good
from longwire_server.refusals import RequestRefusedError, argument_invalid
from longwire_server.servicers.access_table import ACCESS, OPEN, Access, Audit
from longwire_server.telemetry.audit import AuditLog

Details: TypeAlias = grpc.HandlerCallDetails
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"

_HEADER: Final = "authorization"
# The socket at which the server listens for its own gateway alone.
_OWN_GATEWAY: Final = "unix:"
# Where the gateway says who called it. A worker that has the network reaches the socket, too,
# as it is the same user's: it does not know the name.
PEER_HEADER: Final = f"longwire-peer-address-{secrets.token_hex(16)}"


class AccessInterceptor(grpc.aio.ServerInterceptor):
    """Lets calls through to their servicers as the table of access has it.

    It stands inside the :class:`ErrorInterceptor`, which makes statuses of its refusals.

    Args:
        authenticator: knows the credentials.
        audit: where it is recorded who did what; None for nowhere.
    """

    def __init__(self, authenticator: Authenticator, audit: AuditLog | None) -> None:
        self._authenticator = authenticator
        self._audit = audit

    async def intercept_service(
        self, continuation: Callable[[Details], Awaitable[Handler | None]], details: Details
    ) -> Handler | None:
        """Wraps the handler of a call."""
        handler = await continuation(details)
        if handler is None:
            return None
        method = details.method
        access = ACCESS.get(method)
        if access is OPEN:
            return handler if method in ACCESS else _refusing(unclassified(method))
        authorization = _authorization(details.invocation_metadata)
        caller = self._known(authorization)
        if caller is None or refusal_of(access, caller) is not None or handler.request_streaming:
            call = _LateCall(self, handler, access, method, authorization)
            return _handler(call.answer, handler)
        # Every RPC runs in a task of its own, which is this one.
        set_caller(caller)
        is_recorded = self._audit is not None and access.audit is not Audit.NEVER
        if not handler.response_streaming:
            if not is_recorded:
                return handler
            behaviour = self.recorded(handler.unary_unary, caller, access, method)
            return grpc.unary_unary_rpc_method_handler(behaviour, **_codec(handler))
        streamed: Any = handler.unary_stream
        if caller.token_id or caller.expire_time_us is not None:
            streamed = self.watched(streamed, caller)
        if is_recorded:
            streamed = self.recorded_stream(streamed, caller, access, method)
        return grpc.unary_stream_rpc_method_handler(streamed, **_codec(handler))

    def _known(self, authorization: str | None) -> Caller | None:
        """Who calls, where that needs neither the connection nor the store."""
        if authorization is not None:
            return self._authenticator.known(authorization)
        if self._authenticator.reads_certificates:
            return None
        return self._authenticator.anonymous

    async def find(self, authorization: str | None, context: Any) -> Caller:
        """Who calls.

        Raises:
            RequestRefusedError: nobody who may.
        """
        if authorization is not None:
            caller = self._authenticator.known(authorization)
            return caller or await self._authenticator.find(authorization, address_of(context))
        if self._authenticator.reads_certificates:
            for pem in context.auth_context().get("x509_pem_cert", ()):
                if (caller := self._authenticator.of_certificate(pem)) is not None:
                    return caller
        if self._authenticator.anonymous is None:
            raise unauthenticated()
        return self._authenticator.anonymous

    def trail(self, access: Access, method: str, context: Any) -> AuditTrail:
        """The record of a call in the making."""
        return AuditTrail(self._audit, access.audit, method, address_of(context))

    def guarded(self, behaviour: Any, method: str, context: Any, *, streams: bool) -> Any:
        """What a servicer does in a call that came over a stream, as if it had come by itself.

        Args:
            behaviour: the servicer's method.
            method: the full name of the call's own RPC.
            context: the stream, whose caller was found.
            streams: whether the call is answered with a stream.

        Raises:
            RequestRefusedError: the caller may not make the call, or no more.
        """
        present, access = caller(), ACCESS[method]
        assert access is not OPEN
        try:
            # A stream whose answers are not read hears late that its credential is bad.
            self._authenticator.require_good(present)
            if (refusal := refusal_of(access, present)) is not None:
                raise refusal
        except RequestRefusedError as error:
            trail = self.trail(access, method, context)
            trail.by(present)
            trail.refuse(error)
            raise
        if self._audit is None or access.audit is Audit.NEVER:
            return behaviour
        recorded = self.recorded_stream if streams else self.recorded
        return recorded(behaviour, present, access, method)

    def watched(self, behaviour: Any, caller: Caller) -> Any:
        """The same, as long as the caller's credential is good."""

        def call(request: Any, context: Any) -> AsyncIterator[Any]:
            return while_good(behaviour(request, context), caller, self._authenticator)

        return call

    def recorded(self, behaviour: Any, caller: Caller, access: Access, method: str) -> Any:
        """The same, with a record of it where it is one to record."""

        async def call(request: Any, context: Any) -> Any:
            trail = self.trail(access, method, context)
            trail.by(caller)
            trail.about(request)
            try:
                response = await behaviour(request, context)
            except BaseException as error:
                trail.end(error)
                raise
            trail.about(response)
            trail.end()
            return response

        return call

    def recorded_stream(self, behaviour: Any, caller: Caller, access: Access, method: str) -> Any:
        """The same, with a record of it: of a submission when it is accepted, else at the end."""

        async def call(request: Any, context: Any) -> AsyncIterator[Any]:
            trail = self.trail(access, method, context)
            trail.by(caller)
            trail.about(request)
            responses = behaviour(request, context)
            # It may be a large program, and the job's end is far away.
            del request
            try:
                async with contextlib.aclosing(responses):
                    async for response in responses:
                        if method == _RUN_JOB:
                            trail.about(response)
                            trail.end()
                        yield response
            except BaseException as error:
                trail.end(error)
                raise
            trail.end()

        return call


_RUN_JOB: Final = "/longwire.v1.JobService/RunJob"


class _LateCall:
    """A call of which it takes the connection, or the store, to say who makes it.

    For gRPC it takes a stream of requests, so that the first one can be left unread.
    """

    def __init__(
        self,
        interceptor: AccessInterceptor,
        handler: Handler,
        access: Access,
        method: str,
        authorization: str | None,
    ) -> None:
        self._interceptor = interceptor
        self._handler = handler
        self._access = access
        self._method = method
        self._authorization = authorization

    async def answer(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        """The responses."""
        caller = await self._admit(context)
        set_caller(caller)
        handler = self._handler
        if handler.request_streaming:
            stream = self._interceptor.watched(handler.stream_stream, caller)
            async with contextlib.aclosing(stream(requests, context)) as streamed:
                async for response in streamed:
                    yield response
            return
        try:
            request = await anext(requests)
        except StopAsyncIteration:
            raise argument_invalid("request", "the call has none; send one") from None
        if not handler.response_streaming:
            call = self._interceptor.recorded(
                handler.unary_unary, caller, self._access, self._method
            )
            yield await call(request, context)
            return
        watched = self._interceptor.watched(handler.unary_stream, caller)
        stream = self._interceptor.recorded_stream(watched, caller, self._access, self._method)
        responses = stream(request, context)
        del request
        async with contextlib.aclosing(responses):
            async for response in responses:
                yield response

    async def _admit(self, context: Any) -> Caller:
        trail = self._interceptor.trail(self._access, self._method, context)
        try:
            caller = await self._interceptor.find(self._authorization, context)
            trail.by(caller)
            if (refusal := refusal_of(self._access, caller)) is not None:
                raise refusal
        except RequestRefusedError as error:
            trail.shown(shown_token_id(self._authorization or ""))
            trail.refuse(error)
            raise
        return caller


def refusal_of(access: Access, caller: Caller) -> RequestRefusedError | None:
    """Why a caller may not make a call; None where it may."""
    if caller.role < access.role:
        return role_needed(access.role)
    if access.scope is not None and access.scope not in caller.scopes:
        return scope_needed(access.scope)
    return None


def address_of(context: Any) -> str:
    """The address from which a call comes, without its port."""
    peer = context.peer()
    if peer.startswith(_OWN_GATEWAY):
        # The gateway overwrites what callers say.
        found = [value for key, value in context.invocation_metadata() if key == PEER_HEADER]
        return found[-1] if found else "unix"
    return _address(peer)


@functools.lru_cache(maxsize=1024)
def _address(peer: str) -> str:
    kind, _, rest = peer.partition(":")
    if kind not in ("ipv4", "ipv6"):
        return kind
    return unquote(rest).rpartition(":")[0].strip("[]")


def _authorization(metadata: Any) -> str | None:
    """What the metadata shows. Where it shows several things, that is nothing good."""
    found = [value for key, value in metadata or () if key == _HEADER]
    if not found:
        return None
    return found[0] if len(found) == 1 and isinstance(found[0], str) else ""


def _codec(handler: Handler) -> dict[str, Any]:
    return {
        "request_deserializer": handler.request_deserializer,
        "response_serializer": handler.response_serializer,
    }


def _handler(behaviour: Any, like: Handler) -> Handler:
    return grpc.stream_stream_rpc_method_handler(behaviour, **_codec(like))


def _refusing(refusal: RequestRefusedError) -> Handler:
    async def call(_requests: Any, _context: Any) -> AsyncIterator[Any]:
        raise refusal
        yield  # type: ignore[unreachable] # makes it a stream of responses

    return grpc.stream_stream_rpc_method_handler(call)
