"""Envoy's configuration, made from the server's.

The names are those of Envoy's API, version 3; the same limits hold over HTTP as over gRPC,
and whatever a call is refused for, the server itself refuses it.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from longwire_server.config.model import ServerConfig
from longwire_server.gateway.bounds import overload_manager
from longwire_server.gateway.descriptors import descriptor_set, services
from longwire_server.gateway.own_answers import own_answers
from longwire_server.interceptors.access import PEER_HEADER

Node = dict[str, Any]

_TYPES: Final = "type.googleapis.com/envoy.extensions"
_HTTP_OPTIONS: Final = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_MIB: Final = 1 << 20
_MANY: Final = 1_000_000
# For the largest body at some 6 Mbit/s.
_BODY_SECONDS: Final = 60.0
_HEADERS_OF_PAGES: Final = (
    "authorization,content-type,grpc-timeout,x-grpc-web,x-user-agent,connect-protocol-version"
)
_HEADERS_FOR_PAGES: Final = "grpc-status,grpc-message,grpc-status-details-bin"
CERTIFICATE: Final = "server"
AUTHORITIES: Final = "clients"


def envoy_config(
    config: ServerConfig,
    host: str,
    port: int,
    upstream: Path,
    *,
    secret_file: Path,
    authorities_file: Path,
) -> Node:
    """The whole configuration of an Envoy.

    Args:
        config: the server's.
        host: where Envoy listens, as a number.
        port: at which port of it.
        upstream: the socket at which the server does.
        secret_file: from where the certificate is read, where the server has one.
        authorities_file: from where those are read who sign client certificates, where some
            are asked for.
    """
    chain: Node = {
        "filters": [_connection_manager(config)],
        "transport_socket_connect_timeout": _seconds(config.connections.handshake_seconds),
    }
    if config.tls.is_on:
        chain["transport_socket"] = _tls(config, secret_file, authorities_file)
    listener = {
        "name": "http",
        # "::" is for IPv4 too, as it is with gRPC.
        "address": {
            "socket_address": {"address": host, "port_value": port, "ipv4_compat": host == "::"}
        },
        # Otherwise a second server would take half of the connections without a word.
        "enable_reuse_port": False,
        "per_connection_buffer_limit_bytes": _MIB,
        "filter_chains": [chain],
    }
    return {
        "node": {"id": "longwire", "cluster": "longwire"},
        "static_resources": {"listeners": [listener], "clusters": [_cluster(upstream)]},
        "overload_manager": overload_manager(config.connections.max_connections),
    }


def certificate_secret(certificate: bytes, key: bytes) -> Node:
    """What the file holds from which Envoy reads the certificate, and reads it again."""
    pair = {
        "certificate_chain": {"inline_string": certificate.decode()},
        "private_key": {"inline_string": key.decode()},
    }
    return _secret(CERTIFICATE, tls_certificate=pair)


def authorities_secret(client_ca: bytes) -> Node:
    """The same for the authorities of client certificates."""
    trusted = {"trusted_ca": {"inline_string": client_ca.decode()}}
    return _secret(AUTHORITIES, validation_context=trusted)


def _secret(name: str, **held: Node) -> Node:
    kind = f"{_TYPES}.transport_sockets.tls.v3.Secret"
    return {"resources": [{"@type": kind, "name": name, **held}]}


def _connection_manager(config: ServerConfig) -> Node:
    connections = config.connections
    manager = {
        "@type": f"{_TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "http",
        "server_name": "longwire",
        # Not what others say in x-forwarded-for.
        "use_remote_address": True,
        "max_request_headers_kb": math.ceil(connections.metadata_bytes / 1024),
        "request_headers_timeout": _seconds(connections.handshake_seconds),
        # Who sends half a body holds memory of which others have less meanwhile.
        "request_timeout": _seconds(min(connections.idle_seconds, _BODY_SECONDS)),
        # A watch may be silent for long. What is dead is found by pings, and by the server.
        "stream_idle_timeout": "0s",
        "common_http_protocol_options": {
            "idle_timeout": _seconds(connections.idle_seconds),
            "max_connection_duration": _seconds(connections.age_seconds),
        },
        "http2_protocol_options": {
            "max_concurrent_streams": connections.max_calls,
            "connection_keepalive": {"interval": "60s", "timeout": "20s"},
        },
        "route_config": {"virtual_hosts": [_virtual_host(config)]},
        "local_reply_config": own_answers(),
        "http_filters": [
            _filter("cors", "cors.v3.Cors"),
            _filter("grpc_web", "grpc_web.v3.GrpcWeb"),
            # The transcoder would take in bodies of any size.
            _filter("buffer", "buffer.v3.Buffer", max_request_bytes=_json_bytes(_MIB)),
            _filter(
                "grpc_json_transcoder",
                "grpc_json_transcoder.v3.GrpcJsonTranscoder",
                **_transcoding(),
            ),
            _filter("router", "router.v3.Router", suppress_envoy_headers=True),
        ],
    }
    return {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}


def _filter(name: str, kind: str, **options: Any) -> Node:
    return {
        "name": f"envoy.filters.http.{name}",
        "typed_config": {"@type": f"{_TYPES}.filters.http.{kind}", **options},
    }


def _transcoding() -> Node:
    return {
        "proto_descriptor_bin": base64.b64encode(descriptor_set()).decode(),
        "services": services(),
        # POST /longwire.v1.JobService/RunJob, as gRPC has it.
        "auto_mapping": True,
        "convert_grpc_status": True,
        "print_options": {
            "preserve_proto_field_names": True,
            # Each response of a stream is a line.
            "stream_newline_delimited": True,
        },
        "request_validation_options": {
            "reject_unknown_method": True,
            "reject_unknown_query_parameters": True,
        },
    }


def _json_bytes(message_bytes: int) -> int:
    """The largest body with a message of some size: base64 makes a third more of bytes."""
    return message_bytes * 4 // 3 + _MIB


def _virtual_host(config: ServerConfig) -> Node:
    route = {
        "cluster": "longwire",
        # A call may take as long as it says in grpc-timeout, or as it likes.
        "timeout": "0s",
        "max_stream_duration": {"grpc_timeout_header_max": "0s"},
    }
    programs = {
        "@type": f"{_TYPES}.filters.http.buffer.v3.BufferPerRoute",
        "buffer": {"max_request_bytes": _json_bytes(config.limits.request_bytes)},
    }
    calls: list[Node] = [
        {
            "match": {"path": f"/longwire.v1.JobService/{method}"},
            "route": route,
            "typed_per_filter_config": {"envoy.filters.http.buffer": programs},
        }
        for method in ("RunJob", "SubmitJob")
    ]
    calls += [{"match": {"prefix": f"/{name}/"}, "route": route} for name in services()]
    caller = {
        "header": {"key": PEER_HEADER, "value": "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%"},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }
    host: Node = {
        "name": "longwire",
        "domains": ["*"],
        "routes": [*_refused_pages(config.http.allowed_origins), *calls],
        "request_headers_to_add": [caller],
    }
    if config.http.allowed_origins:
        host["typed_per_filter_config"] = {
            "envoy.filters.http.cors": {
                "@type": f"{_TYPES}.filters.http.cors.v3.CorsPolicy",
                "allow_origin_string_match": [
                    {"safe_regex": {"regex": ".+"}} if origin == "*" else {"exact": origin}
                    for origin in config.http.allowed_origins
                ],
                "allow_methods": "POST",
                "allow_headers": _HEADERS_OF_PAGES,
                "expose_headers": _HEADERS_FOR_PAGES,
                "max_age": "600",
            }
        }
    return host


def _refused_pages(allowed_origins: Sequence[str]) -> list[Node]:
    """That a page of another origin calls nothing.

    CORS alone keeps the answer from such a page, but has browsers ask first only where the
    request could not be a form's: what a page sends as text would be done.
    """
    if "*" in allowed_origins:
        return []
    is_other: list[Node] = [{"name": "origin", "present_match": True}]
    is_other += [
        {"name": "origin", "string_match": {"exact": origin}, "invert_match": True}
        for origin in allowed_origins
    ]
    told = "Pages of this origin may not call: those may that http.allowed_origins names"
    refused = {"status": 403, "body": {"inline_string": told}}
    return [{"match": {"prefix": "/", "headers": is_other}, "direct_response": refused}]


def _tls(config: ServerConfig, secret_file: Path, authorities_file: Path) -> Node:
    asks_clients = config.tls.client_ca is not None
    context: Node = {
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
        "tls_certificate_sds_secret_configs": [_secret_in(CERTIFICATE, secret_file)],
    }
    if asks_clients:
        context["validation_context_sds_secret_config"] = _secret_in(AUTHORITIES, authorities_file)
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": f"{_TYPES}.transport_sockets.tls.v3.DownstreamTlsContext",
            "require_client_certificate": asks_clients,
            "common_tls_context": context,
        },
    }


def _secret_in(name: str, path: Path) -> Node:
    """A secret in a file, which is read again when another takes its place."""
    source = {"resource_api_version": "V3", "path_config_source": {"path": str(path)}}
    return {"name": name, "sds_config": source}


def _cluster(upstream: Path) -> Node:
    options = {
        "@type": f"type.googleapis.com/{_HTTP_OPTIONS}",
        "explicit_http_config": {"http2_protocol_options": {}},
    }
    most = {
        "max_connections": _MANY,
        "max_pending_requests": _MANY,
        "max_requests": _MANY,
    }
    endpoint = {"endpoint": {"address": {"pipe": {"path": str(upstream)}}}}
    return {
        "name": "longwire",
        "type": "STATIC",
        "typed_extension_protocol_options": {_HTTP_OPTIONS: options},
        # Whether there is too much is the server's to say.
        "circuit_breakers": {"thresholds": [most]},
        "load_assignment": {
            "cluster_name": "longwire",
            "endpoints": [{"lb_endpoints": [endpoint]}],
        },
    }


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}s"
