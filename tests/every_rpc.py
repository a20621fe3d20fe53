"""Every call of every service, by the service descriptors, and a request for each."""

from __future__ import annotations

from typing import Any

import grpc
from api_tokens import Metadata
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from service_calls import bell_spec

from longwire.v1 import (
    account_service_pb2,
    admin_service_pb2,
    backend_service_pb2,
    call_service_pb2,
    job_service_pb2,
    session_service_pb2,
)
from longwire.v1.account_pb2 import Role, Tenant

_FILES = (
    account_service_pb2,
    admin_service_pb2,
    backend_service_pb2,
    call_service_pb2,
    job_service_pb2,
    session_service_pb2,
    health_pb2,
    reflection_pb2,
)
RPCS: dict[str, MethodDescriptor] = {
    f"/{service.full_name}/{method.name}": method
    for file in _FILES
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
# Streams that end when their caller wants.
ENDLESS = frozenset(
    {"/grpc.health.v1.Health/Watch", "/longwire.v1.BackendService/WatchBackendStatus"}
)
CALL_SECONDS = 60.0


def call(channel: grpc.Channel, rpc: str, request: Message, metadata: Metadata | None) -> list[Any]:
    """Makes a call over a channel; of a stream, its first response."""
    answer = responses(channel, rpc, request, metadata)
    if not RPCS[rpc].server_streaming:
        return list(answer)
    first = list(zip(range(1), answer, strict=False))
    answer.cancel()
    return [response for _, response in first]


def responses(channel: grpc.Channel, rpc: str, request: Message, metadata: Metadata | None) -> Any:
    """Makes a call over a channel: a list of the response, or gRPC's call of the stream."""
    method = RPCS[rpc]
    kind = "stream_" if method.client_streaming else "unary_"
    kind += "stream" if method.server_streaming else "unary"
    stub = getattr(channel, kind)(
        rpc,
        request_serializer=GetMessageClass(method.input_type).SerializeToString,
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )
    sent = iter([request]) if method.client_streaming else request
    answer = stub(sent, metadata=metadata, timeout=CALL_SECONDS)
    return answer if method.server_streaming else [answer]


def request_of(rpc: str, *, job_id: str, session_id: str, about: str = "admin") -> Message:
    """A request that would do something, if the caller may."""
    message = GetMessageClass(RPCS[rpc].input_type)()
    values: dict[str, Any] = {
        "job_id": job_id,
        "session_id": session_id,
        "backend_name": "gated",
        "status_msg": "taken over",
        "spec": bell_spec(),
        "known_sha256": b"",
        "add_tags": ["mine"],
        "token_id": about,
        "role": Role.ROLE_ADMIN,
        "list_services": "*",
    }
    if rpc.endswith("/SetTenant"):
        message.tenant.CopyFrom(Tenant(name="physics", weight=1000.0))
    elif rpc.endswith("/CreateToken"):
        values |= {"name": "mine", "tenant": "physics"}
    elif "tenant" in message.DESCRIPTOR.fields_by_name:
        values["tenant"] = "physics"
    for name, value in values.items():
        field = message.DESCRIPTOR.fields_by_name.get(name)
        if field is None:
            continue
        if field.message_type is not None:
            getattr(message, name).CopyFrom(value)
        elif field.is_repeated:
            getattr(message, name).extend(value)
        else:
            setattr(message, name, value)
    if rpc.endswith("/ListJobs"):
        message.ClearField("backend_name")
    return message
