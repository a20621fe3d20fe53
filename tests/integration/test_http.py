"""JSON over HTTP: the same calls, with the same rights and limits."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import grpc
import pytest
from api_tokens import make_token, sqlite_url
from certificates import Authority
from circuits import asymmetric
from http_calls import HttpCalls, http_url, json_spec
from qiskit import qasm3
from server_process import (
    START_SECONDS,
    ServerProcess,
    configured_server,
    peak_bytes,
    refused_start,
    wait_until,
    wait_until_loaded,
)
from service_calls import bell_spec, recorded

from longwire import RemoteProvider
from longwire.v1.job_pb2 import JobState
from longwire.v1.job_service_pb2 import SubmitJobRequest
from longwire.v1.job_service_pb2_grpc import JobServiceStub

CONFIG = """
[auth]
required = true
failures_per_minute = 5

[limits]
program_bytes = 100_000

[http]
address = "localhost:0"
allowed_origins = ["https://lab.example.org"]

[[pool]]
name = "default"
processes = 1

[[backend]]
name = "aer_simulator"

[[backend]]
name = "gated"
factory = "gated_backend:GatedBackend"
"""
OPEN = '[http]\naddress = "localhost:0"\n[[backend]]\nname = "basic_simulator"\n'
LIST = "BackendService/ListBackends"
TEXT = qasm3.dumps(asymmetric())


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("http")


@pytest.fixture(scope="module")
def token(data_dir: Path) -> str:
    return make_token(sqlite_url(data_dir))


@pytest.fixture(scope="module")
def server(data_dir: Path, token: str) -> Iterator[ServerProcess]:
    assert token
    with configured_server(data_dir, CONFIG) as running:
        yield running


@pytest.fixture
def calls(server: ServerProcess, token: str) -> HttpCalls:
    """Those of somebody with a token."""
    return HttpCalls(http_url(server), token=token)


@contextlib.contextmanager
def open_server(folder: Path, config: str = OPEN) -> Iterator[ServerProcess]:
    """A server that asks nobody."""
    with configured_server(folder, config) as running:
        yield running


def envoys(server: ServerProcess) -> list[int]:
    """The process ids of a server's Envoys."""
    return [
        pid for pid in server.worker_pids() if Path(f"/proc/{pid}/comm").read_text() == "envoy\n"
    ]


def test_circuit_runs_and_its_counts_are_those_of_the_python_client(
    server: ServerProcess, calls: HttpCalls, token: str
) -> None:
    spec = json_spec(TEXT, shots=500, seed_simulator=7)
    events = list(calls.events("JobService/RunJob", {"spec": spec, "plain_result": True}))
    result = events[-1]["finished"]["plain_result"]["results"][0]
    [counts] = [each["counts"] for each in result["data"] if each["name"] == "counts"]
    told = dict(zip(counts["bitstrings"], map(int, counts["counts"]), strict=True))
    with RemoteProvider(server.address, token=token, tls=False) as provider:
        backend = provider.get_backend("aer_simulator")
        local = backend.run(TEXT, shots=500, seed_simulator=7).result().get_counts()
    assert told == {outcome.replace(" ", ""): count for outcome, count in local.items()}


def test_events_come_as_they_happen(calls: HttpCalls, gate: Path) -> None:
    option = {"name": "gate", "value": {"string_value": str(gate)}}
    spec = json_spec(TEXT, "gated", backend_options={"fields": [option]})
    events = calls.events("JobService/RunJob", {"spec": spec})
    for event in events:
        if event.get("status_changed", {}).get("status") == "JOB_STATE_RUNNING":
            break
    gate.touch()
    assert list(events)[-1]["finished"]["job"]["status"]["status"] == "JOB_STATE_DONE"


def test_who_leaves_a_call_that_owns_its_job_ends_it(
    server: ServerProcess, calls: HttpCalls, token: str, gate: Path
) -> None:
    option = {"name": "gate", "value": {"string_value": str(gate)}}
    spec = json_spec(TEXT, "gated", backend_options={"fields": [option]})
    response = calls.send("JobService/RunJob", {"spec": spec, "cancel_with_call": True})
    job_id = json.loads(response.readline())["events"][0]["job_id"]
    response.close()
    wait_until(
        lambda: (
            calls.call("JobService/GetJob", {"job_id": job_id})[1]["job"]["status"]["status"]
            == "JOB_STATE_CANCELLED"
        )
    )


def test_error_is_a_status_with_its_details(calls: HttpCalls) -> None:
    status, error = calls.call("JobService/GetJob", {"job_id": "nobody's"})
    assert (status, error["code"]) == (404, 5)
    [info] = error["details"]
    assert (info["reason"], info["domain"]) == ("JOB_NOT_FOUND", "longwire")


@pytest.mark.parametrize(
    ("method", "body", "status", "code", "complaint"),
    [
        ("JobService/GetJob", b'{"job_id":', 400, 3, "Unexpected end of string"),
        ("JobService/GetJob", b'{"job_id": 7}', 400, 3, "job_id: invalid value 7"),
        ("JobService/Get", b"{}", 404, 12, "send a POST to /longwire.v1.SERVICE/METHOD"),
        ("CallService/MakeCalls", b"{}", 404, 12, "There is no such call"),
    ],
)
def test_request_that_is_none_is_told_what_is_wrong(
    calls: HttpCalls, method: str, body: bytes, status: int, code: int, complaint: str
) -> None:
    found, error = calls.call(method, body)
    assert (found, error["code"]) == (status, code)
    assert complaint in error["message"]


def test_deadline_in_the_header_holds(calls: HttpCalls, gate: Path) -> None:
    option = {"name": "gate", "value": {"string_value": str(gate)}}
    spec = json_spec(TEXT, "gated", backend_options={"fields": [option]})
    _, told = calls.call("JobService/SubmitJob", {"spec": spec})
    request = {"job_id": told["job"]["job_id"], "resume_after": "100"}
    status, error = calls.call("JobService/WatchJob", request, **{"grpc-timeout": "100m"})
    assert (status, error["code"]) == (504, 4)


def test_program_above_the_limit_is_refused_with_the_limit(calls: HttpCalls) -> None:
    spec = json_spec(TEXT + "//" + "x" * 150_000)
    status, error = calls.call("JobService/SubmitJob", {"spec": spec})
    assert (status, error["code"]) == (429, 8)
    assert any(
        detail.get("metadata", {}).get("limit") == "limits.program_bytes"
        for detail in error["details"]
    ), error


def test_body_that_no_program_makes_so_large_is_not_read(calls: HttpCalls) -> None:
    payload = base64.b64encode(bytes(2_200_000)).decode()
    body = json.dumps({"spec": {"program": {"payloads": [payload]}}}).encode()
    status, error = calls.call("JobService/SubmitJob", body)
    assert (status, error["code"]) == (413, 8)
    assert "limits.program_bytes" in error["message"]


def test_caller_without_a_good_token_is_refused(server: ServerProcess) -> None:
    status, error = HttpCalls(http_url(server)).call(LIST, {})
    assert (status, error["details"][0]["reason"]) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("header", ["x-forwarded-for", "longwire-peer-address"])
def test_record_has_the_address_of_the_caller_whatever_it_says(
    calls: HttpCalls, data_dir: Path, header: str
) -> None:
    request = {"spec": json_spec(TEXT), "request_id": header}
    status, _ = calls.call("JobService/SubmitJob", request, **{header: "192.0.2.7"})
    assert status == 200
    lines = (data_dir / "audit.jsonl").read_text().splitlines()
    record = json.loads(lines[-1])
    assert record["method"].endswith("SubmitJob")
    assert record["address"] == "127.0.0.1"


def test_nobody_else_at_the_socket_of_envoy_says_from_where_a_call_comes(tmp_path: Path) -> None:
    with open_server(tmp_path, f"[audit]\nenabled = true\n{OPEN}") as server:
        http_url(server)
        forged = [("longwire-peer-address", "192.0.2.7")]
        request = SubmitJobRequest(spec=bell_spec(backend_name="basic_simulator"))
        with grpc.insecure_channel(f"unix:{tmp_path}/http/server.sock") as channel:
            JobServiceStub(channel).SubmitJob(request, metadata=forged)
        [line] = (tmp_path / "audit.jsonl").read_text().splitlines()
    assert json.loads(line)["address"] == "unix"


def test_address_that_guesses_tokens_is_refused_over_http_too(
    tmp_path: Path,
) -> None:
    with configured_server(tmp_path, CONFIG) as server:
        url = http_url(server)
        reasons = []
        for number in range(8):
            guess = HttpCalls(url, token=f"lw_{number:016x}_{'a' * 43}")
            # Another address each time, as it says.
            forged = {"longwire-peer-address": f"192.0.2.{number}"}
            reasons.append(guess.call(LIST, {}, **forged)[1]["details"][0]["reason"])
    assert reasons == ["UNAUTHENTICATED"] * 5 + ["LIMIT_EXCEEDED"] * 3


def test_page_of_an_allowed_origin_may_call_and_no_other(server: ServerProcess) -> None:
    calls = HttpCalls(http_url(server))

    def allowed(origin: str) -> str | None:
        connection = calls.connection()
        asked = {"origin": origin, "access-control-request-method": "POST"}
        with contextlib.closing(connection):
            connection.request("OPTIONS", f"/longwire.v1.{LIST}", None, asked)
            return connection.getresponse().headers["access-control-allow-origin"]

    assert allowed("https://lab.example.org") == "https://lab.example.org"
    assert allowed("https://elsewhere.example.org") is None


def test_page_of_another_origin_does_nothing_with_what_browsers_send_unasked(
    calls: HttpCalls,
) -> None:
    as_text = {"content-type": "text/plain"}
    request = {"spec": json_spec(TEXT), "request_id": "of a page"}
    elsewhere = {"origin": "https://elsewhere.example.org"}
    status, error = calls.call("JobService/SubmitJob", request, **as_text, **elsewhere)
    assert (status, error["code"]) == (403, 7)
    assert "http.allowed_origins" in error["message"]
    here = {"origin": "https://lab.example.org"}
    status, told = calls.call("JobService/SubmitJob", request, **as_text, **here)
    assert (status, told["created"]) == (200, True), told


def test_what_envoy_itself_answers_has_the_form_that_the_call_has(tmp_path: Path) -> None:
    with open_server(tmp_path) as server:
        calls = HttpCalls(http_url(server))
        # As where the server is not there yet.
        (tmp_path / "http" / "server.sock").unlink()
        status, error = calls.call(LIST, {})
        assert (status, error["code"]) == (503, 14)
        assert error["message"].startswith("The server is starting")
        for method, status, message in (
            (LIST, 503, "The server is starting"),
            ("CallService/MakeCalls", 404, "There is no such call: send a POST to"),
        ):
            response = calls.send(method, bytes(5), **{"content-type": "application/grpc-web"})
            response.close()
            assert response.status == status
            assert unquote(response.headers["grpc-message"]).startswith(message)


def test_page_of_any_origin_may_call_where_all_are_allowed(tmp_path: Path) -> None:
    config = OPEN.replace("[http]\n", '[http]\nallowed_origins = ["*"]\n')
    with open_server(tmp_path, config) as server:
        response = HttpCalls(http_url(server)).send(LIST, {}, origin="https://any.example.org")
        assert response.headers["access-control-allow-origin"] == "https://any.example.org"
        response.read()


def test_server_that_stops_leaves_no_envoy(tmp_path: Path) -> None:
    with open_server(tmp_path) as server:
        [envoy] = envoys(server)
        assert server.terminate() == 0
    assert not Path(f"/proc/{envoy}").exists()
    assert not (tmp_path / "http" / "server.sock").exists()


def test_server_that_is_interrupted_in_a_terminal_tells_the_end_of_jobs(
    tmp_path: Path, gate: Path
) -> None:
    config = '[http]\naddress = "localhost:0"\n[[backend]]\nname = "gated"\n'
    config += 'factory = "gated_backend:GatedBackend"\n'
    option = {"name": "gate", "value": {"string_value": str(gate)}}
    spec = json_spec(TEXT, "gated", backend_options={"fields": [option]})
    with configured_server(tmp_path, config, prefix=["setsid"]) as server:
        events = HttpCalls(http_url(server)).events("JobService/RunJob", {"spec": spec})
        for event in events:
            if event.get("status_changed", {}).get("status") == "JOB_STATE_RUNNING":
                break
        # As a terminal does it: to all processes that were started in it.
        os.killpg(server.pid, signal.SIGINT)
        wait_until(lambda: "draining" in server.log())
        gate.touch()
        assert list(events)[-1]["finished"]["job"]["status"]["status"] == "JOB_STATE_DONE"
        assert server.wait() == 0
        assert "Envoy ended" not in server.log()


def test_data_directory_with_a_long_name_leaves_nothing_elsewhere(tmp_path: Path) -> None:
    long = tmp_path / "long" / ("ä" * 60)
    # The tests' own may be too long.
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        _check_what_is_elsewhere(long, Path(short))


def _check_what_is_elsewhere(long: Path, temporary: Path) -> None:
    def started() -> contextlib.AbstractContextManager[ServerProcess]:
        return configured_server(long, OPEN, environment={"TMPDIR": str(temporary)})

    def elsewhere() -> list[Path]:
        return list(temporary.glob("longwire-http-*"))

    with started() as server:
        assert HttpCalls(http_url(server)).call(LIST, {})[0] == 200
        [killed] = elsewhere()
        # One that has to leave the directory to the first takes nothing from it.
        with pytest.raises(RuntimeError, match="did not start"), started():
            pass
        assert elsewhere() == [killed]
        server.kill()
    with started() as server:
        assert HttpCalls(http_url(server)).call(LIST, {})[0] == 200
        [present] = elsewhere()
        assert present != killed
        assert server.terminate() == 0
    assert elsewhere() == []


def test_directories_whose_names_are_all_too_long_are_told(tmp_path: Path) -> None:
    temporary = tmp_path / ("t" * 100)
    temporary.mkdir()
    long = tmp_path / ("ä" * 60)
    said = refused_start(long, OPEN, environment={"TMPDIR": str(temporary)})
    assert "is too long a name for the socket that HTTP takes" in said
    assert "Traceback" not in said
    assert list(temporary.iterdir()) == []


def test_server_that_is_killed_takes_its_envoy_along(tmp_path: Path) -> None:
    with open_server(tmp_path) as server:
        [envoy] = envoys(server)
        server.kill()
        wait_until(lambda: not Path(f"/proc/{envoy}").exists())


def test_envoy_that_is_killed_comes_back(tmp_path: Path) -> None:
    with open_server(tmp_path) as server:
        calls = HttpCalls(http_url(server))
        [envoy] = envoys(server)
        os.kill(envoy, signal.SIGKILL)
        wait_until(lambda: "HTTP is back" in server.log())

        def answers() -> bool:
            with contextlib.suppress(OSError):
                return bool(calls.call(LIST, {})[0] == 200)
            return False

        wait_until(answers)
        assert envoys(server) not in ([], [envoy])


def test_bodies_that_many_strangers_send_at_once_take_little_memory(tmp_path: Path) -> None:
    most_bytes, num_bodies = 1 << 30, 60
    head = (
        b"POST /longwire.v1.JobService/RunJob HTTP/1.1\r\nhost: localhost\r\n"
        b"content-type: application/json\r\ncontent-length: 40000000\r\n\r\n"
    )
    with open_server(tmp_path) as server, contextlib.ExitStack() as opened:
        url = http_url(server)
        place = urlsplit(url)
        senders = []
        for _ in range(num_bodies):
            sender = socket.create_connection((place.hostname, place.port), START_SECONDS)
            senders.append(opened.enter_context(sender))
            sender.sendall(head)
        # All grow together, none to its end.
        piece = bytes(1_000_000)
        for _ in range(38):
            for sender in senders:
                with contextlib.suppress(ConnectionError):
                    sender.sendall(piece)
        [envoy] = envoys(server)
        assert peak_bytes(envoy) < 1.5 * most_bytes
        # The others are still answered.
        wait_until(lambda: HttpCalls(url).call(LIST, {})[0] == 200)


def test_without_the_setting_there_is_no_http(tmp_path: Path) -> None:
    with open_server(tmp_path, '[[backend]]\nname = "basic_simulator"\n') as server:
        wait_until_loaded(server)
        assert envoys(server) == []
        assert not (tmp_path / "http").exists()


def test_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"localhost:{taken.getsockname()[1]}"
        said = refused_start(tmp_path, f'[http]\naddress = "{address}"\n')
    assert f"cannot listen on {address} for HTTP" in said
    assert "choose another http.address" in said
    assert "Traceback" not in said


def test_every_address_is_that_of_ipv4_too(tmp_path: Path) -> None:
    config = "[server]\ninsecure = true\n[audit]\nenabled = true\n" + OPEN
    with open_server(tmp_path, config.replace("localhost:0", "[::]:0")) as server:
        port = urlsplit(http_url(server)).port
        for host in ("127.0.0.1", "[::1]"):
            request = {"spec": json_spec(TEXT, "basic_simulator")}
            status, _ = HttpCalls(f"http://{host}:{port}").call("JobService/SubmitJob", request)
            assert status == 200
        lines = (tmp_path / "audit.jsonl").read_text().splitlines()
    assert [json.loads(line)["address"] for line in lines] == ["127.0.0.1", "::1"]


def test_envoy_that_is_not_there_is_told(tmp_path: Path) -> None:
    said = refused_start(tmp_path, '[http]\naddress = "localhost:0"\nenvoy = "no/envoy"\n')
    assert "no/envoy is no program that can be run" in said


def test_server_whose_envoy_hangs_stops_when_it_is_told_to(tmp_path: Path) -> None:
    hangs = tmp_path / "hangs"
    hangs.write_text('#!/bin/sh\necho $$ > "$0.pid"\nexec sleep 600\n')
    hangs.chmod(0o700)
    config = tmp_path / "hangs.toml"
    config.write_text(OPEN.replace("[http]\n", f'[http]\nenvoy = "{hangs}"\n'))
    command = [sys.executable, "-m", "longwire_server", "serve", "--config", str(config)]
    command += ["--address", "localhost:0", "--data-dir", str(tmp_path / "data")]
    with subprocess.Popen(command) as process:
        pid_file = hangs.with_suffix(".pid")
        wait_until(lambda: pid_file.exists() and pid_file.read_text())
        process.terminate()
        try:
            # Shorter than an Envoy that does not answer is waited for.
            assert process.wait(30) == 0
        finally:
            process.kill()
    assert not Path(f"/proc/{pid_file.read_text().strip()}").exists()


def test_program_that_is_no_envoy_is_told(tmp_path: Path) -> None:
    said = refused_start(tmp_path, '[http]\naddress = "localhost:0"\nenvoy = "/bin/false"\n')
    assert "/bin/false ended with exit code 1" in said


def trusting(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=authority.pem.decode())


def test_http_has_the_certificate_of_the_server_and_the_renewed_one(tmp_path: Path) -> None:
    authority, later = Authority(), Authority("later")
    certificate, key = authority.issue().write(tmp_path, "server")
    token = make_token(sqlite_url(tmp_path))
    tls = f'[tls]\ncertificate = "{certificate}"\nkey = "{key}"\n'
    with configured_server(tmp_path, tls + OPEN) as server:
        url = http_url(server)
        assert url.startswith("https://")
        calls = HttpCalls(url, token=token, tls=trusting(authority))
        assert calls.call(LIST, {})[0] == 200
        later.issue().write(tmp_path, "server")
        renewed = HttpCalls(url, token=token, tls=trusting(later))

        def is_renewed() -> bool:
            with contextlib.suppress(ssl.SSLError):
                return bool(renewed.call(LIST, {})[0] == 200)
            return False

        wait_until(is_renewed)


def test_http_asks_for_client_certificates_where_grpc_does(tmp_path: Path) -> None:
    authority = Authority()
    certificate, key = authority.issue().write(tmp_path, "server")
    ca = authority.write(tmp_path / "ca.pem")
    client = authority.issue(name="client").write(tmp_path, "client")
    token = make_token(sqlite_url(tmp_path))
    tls = f'[tls]\ncertificate = "{certificate}"\nkey = "{key}"\nclient_ca = "{ca}"\n'
    with configured_server(tmp_path, tls + OPEN) as server:
        url = http_url(server)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            HttpCalls(url, token=token, tls=trusting(authority)).call(LIST, {})
        shows = trusting(authority)
        shows.load_cert_chain(*client)
        assert HttpCalls(url, token=token, tls=shows).call(LIST, {})[0] == 200
        # The certificate opens the connection; who calls, the token says.
        assert HttpCalls(url, tls=shows).call(LIST, {})[0] == 401


def test_client_certificates_of_an_authority_that_is_replaced_are_good_no_more(
    tmp_path: Path,
) -> None:
    authority, later = Authority(), Authority("later")
    certificate, key = authority.issue().write(tmp_path, "server")
    ca = authority.write(tmp_path / "ca.pem")
    token = make_token(sqlite_url(tmp_path))
    tls = f'[tls]\ncertificate = "{certificate}"\nkey = "{key}"\nclient_ca = "{ca}"\n'

    def showing(signer: Authority, name: str) -> ssl.SSLContext:
        shows = trusting(authority)
        shows.load_cert_chain(*signer.issue(name=name).write(tmp_path, name))
        return shows

    def is_let_in(shows: ssl.SSLContext) -> bool:
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            return bool(HttpCalls(url, token=token, tls=shows).call(LIST, {})[0] == 200)
        return False

    with configured_server(tmp_path, tls + OPEN) as server:
        url = http_url(server)
        old, new = showing(authority, "old"), showing(later, "new")
        assert is_let_in(old)
        assert not is_let_in(new)
        later.write(ca)
        wait_until(lambda: is_let_in(new))
        assert not is_let_in(old)


def test_certificate_that_could_not_be_handed_on_is_tried_again(tmp_path: Path) -> None:
    authority, later = Authority(), Authority("later")
    certificate, key = authority.issue().write(tmp_path, "server")
    token = make_token(sqlite_url(tmp_path))
    tls = f'[tls]\ncertificate = "{certificate}"\nkey = "{key}"\n'
    with configured_server(tmp_path, tls + OPEN) as server:
        url = http_url(server)
        # Nothing can be written beside it, and nobody's file is where the new one is made.
        blocked = tmp_path / "http" / "certificate.new"
        blocked.mkdir()
        later.issue().write(tmp_path, "server")
        wait_until(lambda: "cannot be handed to Envoy" in server.log())
        blocked.rmdir()
        renewed = HttpCalls(url, token=token, tls=trusting(later))

        def is_renewed() -> bool:
            with contextlib.suppress(ssl.SSLError):
                return bool(renewed.call(LIST, {})[0] == 200)
            return False

        wait_until(is_renewed)


def test_job_submitted_over_http_is_there_over_grpc(tmp_path: Path) -> None:
    with open_server(tmp_path) as server:
        request = {"spec": json_spec(TEXT, "basic_simulator"), "request_id": "once"}
        calls = HttpCalls(http_url(server))
        told = [calls.call("JobService/SubmitJob", request)[1] for _ in range(2)]
        assert [each.get("created", False) for each in told] == [True, False]
        job_id = told[0]["job"]["job_id"]
        wait_until(
            lambda: recorded(server.address, job_id).status.status == JobState.JOB_STATE_DONE
        )
