"""What Envoy needs to know of the protos to make JSON of messages, and messages of JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2

from longwire.v1 import (
    account_service_pb2,
    admin_service_pb2,
    backend_service_pb2,
    job_service_pb2,
    session_service_pb2,
)

# Every service but CallService, whose streams of requests HTTP/1.1 and browsers do not have.
_FILES: Final = (
    account_service_pb2.DESCRIPTOR,
    admin_service_pb2.DESCRIPTOR,
    backend_service_pb2.DESCRIPTOR,
    job_service_pb2.DESCRIPTOR,
    session_service_pb2.DESCRIPTOR,
    health_pb2.DESCRIPTOR,
)


def services() -> list[str]:
    """The full names of the services that are spoken over HTTP."""
    return [service.full_name for file in _FILES for service in file.services_by_name.values()]


def descriptor_set() -> bytes:
    """A serialised ``FileDescriptorSet`` of these services, and of the details of errors."""
    found: dict[str, FileDescriptor] = {}
    _collect([*_FILES, error_details_pb2.DESCRIPTOR], found)
    files = FileDescriptorSet()
    for file in found.values():
        file.CopyToProto(files.file.add())
    return files.SerializeToString()


def _collect(files: Iterable[FileDescriptor], found: dict[str, FileDescriptor]) -> None:
    """Adds files behind those that they import."""
    for file in files:
        if file.name not in found:
            _collect(file.dependencies, found)
            found[file.name] = file
