"""Where and how the server listens: its port, its certificate, and what connections may do."""

from __future__ import annotations

import datetime
import logging
import resource
from pathlib import Path
from typing import TypeAlias

import grpc
import grpc.aio

from longwire_server.config.address import is_loopback, split_address
from longwire_server.config.model import ServerConfig
from longwire_server.config.tls_files import (
    TlsFiles,
    TlsFilesError,
    checked_tls_files,
    read_tls_files,
)
from longwire_server.config.tls_section import TlsSection

_logger = logging.getLogger(__name__)

# For the store, workers, programs and results that are being written.
_OTHER_FILES = 512
_MOST_FILES = 65_536
# A client that says nothing is asked for a sign of life after this time, and has so
# long to give it. It holds up to so many watches until then.
_KEEPALIVE_SECONDS = 60
_KEEPALIVE_TIMEOUT_SECONDS = 20
# Clients ping every 15 s while they wait for a job; whoever does it more often is
# cut off at the third time.
_LEAST_SECONDS_BETWEEN_PINGS = 10
_PING_STRIKES = 2
# Calls of all connections that have come while Python was busy.
_WAITING_CALLS = 10_000
_RENEW_WITHIN = datetime.timedelta(days=14)
_WARN_EVERY = datetime.timedelta(days=1)

Stamp: TypeAlias = tuple[tuple[int, int, int] | None, ...]


def server_options(config: ServerConfig) -> list[tuple[str, int]]:
    """GRPC's options of the server.

    Each of them was seen to take effect with grpcio 1.85; gRPC ignores names that it
    does not know.
    """
    limits, connections = config.limits, config.connections
    waiting_calls = max(connections.max_calls, _WAITING_CALLS)
    return [
        ("grpc.max_receive_message_length", limits.request_bytes),
        ("grpc.max_send_message_length", -1),
        # Otherwise a second server on the same port takes half of the
        # connections without a word.
        ("grpc.so_reuseport", 0),
        ("grpc.max_allowed_incoming_connections", _max_connections(connections.max_connections)),
        ("grpc.max_concurrent_streams", connections.max_calls),
        # From the first on some are cancelled by chance, from the second on all; with
        # gRPC's own, 1000 and 3000, many of what a single user may send at once.
        ("grpc.server.max_pending_requests", waiting_calls),
        ("grpc.server.max_pending_requests_hard_limit", 2 * waiting_calls),
        # From the accepted connection to the client's first HTTP/2 settings, TLS and
        # all that is between included.
        ("grpc.server_handshake_timeout_ms", _ms(connections.handshake_seconds)),
        # The first is from where on calls are refused at random, the more the larger.
        ("grpc.max_metadata_size", connections.metadata_bytes),
        ("grpc.absolute_max_metadata_size", connections.metadata_bytes),
        ("grpc.max_connection_idle_ms", _ms(connections.idle_seconds)),
        ("grpc.max_connection_age_ms", _ms(connections.age_seconds)),
        ("grpc.max_connection_age_grace_ms", _ms(connections.grace_seconds)),
        ("grpc.keepalive_time_ms", _ms(_KEEPALIVE_SECONDS)),
        ("grpc.keepalive_timeout_ms", _ms(_KEEPALIVE_TIMEOUT_SECONDS)),
        # The same for newer gRPC, which waits for a minute otherwise.
        ("grpc.http2.ping_timeout_ms", _ms(_KEEPALIVE_TIMEOUT_SECONDS)),
        ("grpc.http2.min_ping_interval_without_data_ms", _ms(_LEAST_SECONDS_BETWEEN_PINGS)),
        ("grpc.http2.max_ping_strikes", _PING_STRIKES),
    ]


def listen(server: grpc.aio.Server, config: ServerConfig) -> int:
    """Has a server listen at the configured address, with TLS where there is a certificate.

    Returns:
        The port.

    Raises:
        ConfigError: the files of ``[tls]`` cannot be used.
        RuntimeError: the port is taken, or the host is not this machine's.
    """
    address = config.server.address
    files = checked_tls_files(config)
    if not is_loopback(split_address(address)[0]):
        _warn_of_openness(config)
    if files is None:
        return server.add_insecure_port(address)
    return server.add_secure_port(address, _RenewedCredentials(config.tls, files).credentials)


def _warn_of_openness(config: ServerConfig) -> None:
    address = config.server.address
    if not config.tls.is_on:
        _logger.warning(
            "insecure = true, and no [tls]: anybody on the way to %s can read and change what is "
            "sent, tokens included",
            address,
        )
    # Where it is insecure, too, the gate says so.
    if not (config.auth_required or config.tls.client_ca or config.server.insecure):
        _logger.warning("anybody who reaches %s can run jobs: [auth] asks nobody", address)


def raise_file_limit() -> None:
    """Lets this process have as many files and connections open as the system allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _max_connections(asked: int) -> int:
    """How many connections there may be, so that files are left for all else."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return asked
    possible = max(soft // 2, soft - _OTHER_FILES)
    if asked > possible:
        _logger.warning(
            "connections.max_connections is %d, but this process may have only %d files open: "
            "%d connections it is; raise the limit (ulimit -n, LimitNOFILE=)",
            asked,
            soft,
            possible,
        )
    return min(asked, possible)


class _RenewedCredentials:
    """The server's certificate, read again when its files have changed.

    gRPC asks before every handshake, in a thread of its own. A pair that does not fit,
    as while it is being written, is told once, and the one before goes on.

    Args:
        tls: the section, with a certificate.
        files: what its files hold now.
    """

    def __init__(self, tls: TlsSection, files: TlsFiles) -> None:
        self._tls = tls
        self._paths = [path for path in (tls.certificate, tls.key, tls.client_ca) if path]
        self._present = files
        # As of before the files were read: what changes meanwhile is seen.
        self._stamp: Stamp = ()
        self._warned_at: datetime.datetime | None = None
        self._warn_of_expiry()
        self.credentials = grpc.dynamic_ssl_server_credentials(
            _configuration(files),
            self._renewed,  # type: ignore[arg-type]  # None is for no change
            # gRPC for Python asks of all or of none.
            require_client_authentication=files.client_ca is not None,
        )

    def _renewed(self) -> grpc.ServerCertificateConfiguration | None:
        """What is to be used from now on; None for what was used before."""
        stamp = tuple(map(_stamp, self._paths))
        if stamp == self._stamp:
            self._warn_of_expiry()
            return None
        self._stamp = stamp
        try:
            files = read_tls_files(self._tls)
        except TlsFilesError as error:
            _logger.error("tls.%s: %s; the certificate read before stays in use", error.key, error)
            return None
        if files == self._present:
            return None
        self._present = files
        _logger.info("a new certificate is in use, valid until %s", _day(files))
        self._warned_at = None
        self._warn_of_expiry()
        return _configuration(files)

    def _warn_of_expiry(self) -> None:
        """Says, once a day, that the certificate expires soon."""
        now = datetime.datetime.now(datetime.UTC)
        if self._present.valid_until - now >= _RENEW_WITHIN:
            return
        if self._warned_at is None or now - self._warned_at >= _WARN_EVERY:
            self._warned_at = now
            _logger.warning(
                "the server's certificate expires at %s: renew it; no restart is needed",
                _day(self._present),
            )


def _configuration(files: TlsFiles) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration(
        [(files.key, files.certificate)], root_certificates=files.client_ca
    )


def _day(files: TlsFiles) -> str:
    return f"{files.valid_until:%Y-%m-%d %H:%M} UTC"


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What is another when a file has changed; None where it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
