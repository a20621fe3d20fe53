"""TLS between real processes: who trusts whom, and certificates renewed in mid-flight."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path

import grpc
import http2_frames as http2
import pytest
from certificates import LOCAL_HOSTS, Authority
from circuits import bell
from server_process import ServerProcess, configured_server, wait_until

from longwire import RemoteProvider
from longwire.errors import ServerUnreachableError, TlsError
from longwire.transport.address import host_and_port

AUTHORITY, CLIENTS, STRANGER = Authority("ours"), Authority("clients"), Authority("stranger")
# Generous: other work may load the machine. By default it would take 120 s.
CLOSED_SECONDS = 60
HOSTS = (*LOCAL_HOSTS, "::1")
CONFIG = """
[tls]
certificate = "server.pem"
key = "server.key"

[auth]
required = false

[[pool]]
name = "default"
processes = 1

[[backend]]
name = "gated"
factory = "gated_backend:GatedBackend"
"""
HANDSHAKE_LIMIT = """
[connections]
handshake_seconds = 2
"""
# Every watch outlives its connection several times.
SHORT_LIVED = """
[connections]
age_seconds = 1
grace_seconds = 1
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server's files are."""
    folder = tmp_path_factory.mktemp("tls")
    AUTHORITY.issue(HOSTS).write(folder, "server")
    return folder


@pytest.fixture(scope="module")
def tls_server(folder: Path) -> Iterator[ServerProcess]:
    """A server with a certificate."""
    with configured_server(folder, CONFIG + HANDSHAKE_LIMIT) as running:
        yield running


@pytest.fixture(scope="module")
def mutual_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that wants a certificate of each client, and ends connections soon."""
    folder = tmp_path_factory.mktemp("mutual")
    AUTHORITY.issue(HOSTS).write(folder, "server")
    CLIENTS.write(folder / "clients.pem")
    config = CONFIG.replace("[auth]", 'client_ca = "clients.pem"\n\n[auth]') + SHORT_LIVED
    with configured_server(folder, config) as running:
        yield running


@pytest.fixture
def ca(tmp_path: Path) -> Path:
    """The file of the authority that clients trust."""
    return AUTHORITY.write(tmp_path / "ca.pem")


def test_client_that_knows_the_authority_runs_jobs(tls_server: ServerProcess, ca: Path) -> None:
    with RemoteProvider(tls_server.address, ca=ca) as provider:
        counts = provider.get_backend("gated").run(bell(), shots=10).result().get_counts()
    assert sum(counts.values()) == 10


def test_client_reaches_the_server_by_its_address_too(tls_server: ServerProcess, ca: Path) -> None:
    port = tls_server.address.rpartition(":")[2]
    with RemoteProvider(f"127.0.0.1:{port}", ca=ca) as provider:
        assert provider.backends()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "speaks TLS, and this client did not"),
        ({"ca": STRANGER.pem.decode()}, "does not come from the authority given"),
        ({"tls": True}, "does not come from a public authority"),
    ],
    ids=["no_tls", "public_authority", "wrong_authority"],
)
def test_client_that_cannot_trust_the_server_is_told_at_once(
    tls_server: ServerProcess, given: dict[str, object], message: str
) -> None:
    with RemoteProvider(tls_server.address, **given) as provider:  # type: ignore[arg-type]
        with pytest.raises(TlsError, match=message):
            provider.backends()
        with pytest.raises(TlsError, match=message):
            provider.job("0" * 32)


def test_plain_server_is_refused_by_a_client_with_tls(ca: Path) -> None:
    plain = grpc.server(futures.ThreadPoolExecutor(1))
    port = plain.add_insecure_port("localhost:0")
    plain.start()
    try:
        with (
            RemoteProvider(f"localhost:{port}", ca=ca) as provider,
            pytest.raises(TlsError, match="does not speak TLS"),
        ):
            provider.backends()
    finally:
        plain.stop(None).wait()


@pytest.mark.parametrize(
    ("version", "accepted"),
    [
        (ssl.TLSVersion.TLSv1, False),
        (ssl.TLSVersion.TLSv1_1, False),
        (ssl.TLSVersion.TLSv1_2, True),
        (ssl.TLSVersion.TLSv1_3, True),
    ],
    ids=lambda value: value.name if isinstance(value, ssl.TLSVersion) else None,
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_server_speaks_tls_from_1_2_on(
    tls_server: ServerProcess, version: ssl.TLSVersion, accepted: bool
) -> None:
    context = _context()
    # Without it OpenSSL itself refuses the old versions, and the server is not asked.
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    if accepted:
        with _connected(tls_server.address, context) as connection:
            assert connection.selected_alpn_protocol() == "h2"
    else:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            _connected(tls_server.address, context)


def test_renewed_certificate_is_used_without_a_restart_while_a_watch_goes_on(
    tls_server: ServerProcess, folder: Path, ca: Path, gate: Path
) -> None:
    with RemoteProvider(tls_server.address, ca=ca) as provider:
        job = provider.get_backend("gated").run(bell(), shots=10, gate=str(gate))
        events = job.events()
        next(events)
        rest: list[object] = []
        watching = threading.Thread(target=lambda: rest.extend(events))
        watching.start()

        before = _serial_number(tls_server.address)
        renewed = AUTHORITY.issue(HOSTS)
        # The new certificate is there before its key.
        (folder / "server.pem").write_bytes(renewed.certificate)
        assert _serial_number(tls_server.address) == before
        assert _serial_number(tls_server.address) == before
        (folder / "server.key").write_bytes(renewed.key)
        assert _serial_number(tls_server.address) == renewed.serial_number
        with RemoteProvider(tls_server.address, ca=ca) as another:
            assert another.job(job.job_id()).job_id() == job.job_id()

        assert watching.is_alive()
        gate.touch()
        watching.join(60)
        assert not watching.is_alive()
        assert job.result().success
    log = tls_server.log()
    assert log.count("is not that of the certificate") == 1
    assert "a new certificate is in use" in log


def test_client_with_a_certificate_rides_out_the_age_of_its_connections(
    mutual_server: ServerProcess, ca: Path, tmp_path: Path, gate: Path
) -> None:
    certificate, key = CLIENTS.issue(name="ada").write(tmp_path, "ada")
    with RemoteProvider(mutual_server.address, ca=ca, certificate=certificate, key=key) as provider:
        wait_until(lambda: _is_loaded(provider))
        job = provider.get_backend("gated").run(bell(), shots=10, gate=str(gate))
        counted = threading.Event()

        def await_result() -> None:
            assert job.result(timeout=120).success
            counted.set()

        waiting = threading.Thread(target=await_result)
        waiting.start()
        # The watch is cut after two seconds at the latest, and resumed.
        first = _local_ports(mutual_server)
        wait_until(lambda: first and not (first & _local_ports(mutual_server)))
        gate.touch()
        assert counted.wait(60)
        waiting.join()


@pytest.mark.parametrize("has_certificate", [False, True], ids=["none", "of_a_stranger"])
def test_client_without_a_good_certificate_is_told_at_once(
    mutual_server: ServerProcess, ca: Path, tmp_path: Path, has_certificate: bool
) -> None:
    given = {}
    if has_certificate:
        certificate, key = STRANGER.issue(name="eve").write(tmp_path, "eve")
        given = {"certificate": certificate, "key": key}
    with (
        RemoteProvider(mutual_server.address, ca=ca, **given) as provider,
        pytest.raises(TlsError, match="asks for a client certificate"),
    ):
        provider.backends()


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00", None], ids=["0", "half", "tls"])
def test_silent_connection_is_closed_while_honest_calls_go_on(
    tls_server: ServerProcess, ca: Path, said: bytes | None
) -> None:
    silent = []
    for _ in range(30):
        if said is None:
            silent.append(_connected(tls_server.address, _context()))
        else:
            silent.append(socket.create_connection(host_and_port(tls_server.address)))
            silent[-1].sendall(said)
    with RemoteProvider(tls_server.address, ca=ca, timeout_seconds=120) as provider:
        assert provider.get_backend("gated").run(bell(), shots=10).result().success
    for connection in silent:
        _, is_over = http2.read_frames(connection, CLOSED_SECONDS)
        assert is_over
        connection.close()


def test_server_certificate_for_another_name_is_refused(
    tls_server: ServerProcess, folder: Path, ca: Path
) -> None:
    good = AUTHORITY.issue(HOSTS)
    AUTHORITY.issue(["elsewhere.example.org"]).write(folder, "server")
    try:
        with (
            RemoteProvider(tls_server.address, ca=ca) as provider,
            pytest.raises(TlsError, match="is for another name"),
        ):
            provider.backends()
    finally:
        good.write(folder, "server")


def _is_loaded(provider: RemoteProvider) -> bool:
    """Whether a server has loaded its backends; a call that waits for it is cut off, too."""
    try:
        return bool(provider.backends())
    except ServerUnreachableError:
        return False


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    return context


def _connected(address: str, context: ssl.SSLContext) -> ssl.SSLSocket:
    plain = socket.create_connection(host_and_port(address), timeout=60)
    try:
        return context.wrap_socket(plain)
    except BaseException:
        plain.close()
        raise


def _serial_number(address: str) -> int:
    """Of the certificate that a server shows now."""
    from cryptography import x509

    with _connected(address, _context()) as connection:
        shown = connection.getpeercert(binary_form=True)
    assert shown is not None
    return x509.load_der_x509_certificate(shown).serial_number


def _local_ports(server: ServerProcess) -> set[int]:
    """The ports from which the server is connected to now, as the kernel has it."""
    port = int(server.address.rsplit(":", 1)[1])
    ports = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, local, remote, state = line.split()[:4]
            if state == "01" and int(remote.rpartition(":")[2], 16) == port:
                ports.add(int(local.rpartition(":")[2], 16))
    return ports
