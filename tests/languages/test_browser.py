"""A web page runs circuits on a server, over gRPC-Web and from an origin of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from api_tokens import make_token, shown, sqlite_url
from http_calls import http_url
from language_clients import BUILD_SECONDS
from selenium import webdriver
from server_process import ServerProcess, configured_server, wait_until
from web_browser import PAGE, Page, chromium, served_files

from longwire import RemoteProvider
from longwire.v1.array_pb2 import Compression
from longwire.v1.job_service_pb2 import GetResultRequest
from longwire.v1.job_service_pb2_grpc import JobServiceStub

# The first test builds the page.
pytestmark = pytest.mark.timeout(BUILD_SECONDS + 300)

CONFIG = """
[server]
drain_grace_seconds = 0.2

[auth]
required = true

[limits]
inline_result_bytes = 2_000

[http]
address = "{address}"
allowed_origins = ["{origin}"]

[[backend]]
name = "aer_simulator"

[[backend]]
name = "gated"
factory = "gated_backend:GatedBackend"
arguments = {{ gate = "{gate}" }}
max_attempts = 3
"""
BITS = """OPENQASM 3.0;
include "stdgates.inc";
qubit[3] q;
bit[3] c;
x q[0];
h q[1];
ry(0.4) q[2];
c = measure q;
"""
MANY_OUTCOMES = """OPENQASM 3.0;
include "stdgates.inc";
qubit[10] q;
bit[10] c;
h q;
c = measure q;
"""
SEED = 11


@dataclass(frozen=True)
class Lab:
    """A server, and a page that may call it."""

    server: ServerProcess
    url: str
    origin: str
    token: str
    gate: Path

    def provider(self) -> RemoteProvider:
        """The server from Python."""
        return RemoteProvider(self.server.address, token=self.token, tls=False)

    def counts(self, program: str, backend: str, shots: int) -> dict[str, int]:
        """What Python gets with the same seed."""
        with self.provider() as provider:
            job = provider.get_backend(backend).run(program, shots=shots, seed_simulator=SEED)
            counts: dict[str, int] = job.result().get_counts()
        return counts

    def compression(self, job_id: str) -> int:
        """How a job's result is compressed."""
        with grpc.insecure_channel(self.server.address) as channel:
            request = GetResultRequest(job_id=job_id)
            call = JobServiceStub(channel).GetResult(request, metadata=shown(self.token))
            [first, *_] = call
        compression: int = first.header.compression
        return compression

    def job_ids(self) -> list[str]:
        """The ids of the jobs that the server has."""
        with self.provider() as provider:
            return [job.job_id() for job in provider.jobs()]


@contextlib.contextmanager
def opened(folder: Path, origin: str, address: str = "localhost:0") -> Iterator[Lab]:
    """A lab with its data in a folder."""
    folder.mkdir(exist_ok=True)
    gate = folder / "gate"
    token = make_token(sqlite_url(folder))
    config = CONFIG.format(address=address, origin=origin, gate=gate)
    try:
        with configured_server(folder, config) as server:
            yield Lab(server, http_url(server), origin, token, gate)
    finally:
        gate.touch()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page as it was built."""
    if missing := PAGE.missing():
        pytest.skip(missing)
    PAGE.make()
    folder: Path = tmp_path_factory.mktemp("page") / "dist"
    shutil.copytree(PAGE.path / "dist", folder)
    return folder


@pytest.fixture(scope="module")
def origin(files: Path) -> Iterator[str]:
    """Where the page is, which the server does not serve."""
    with served_files(files) as served:
        yield served


@pytest.fixture(scope="module")
def browser(files: Path) -> Iterator[webdriver.Chrome]:
    with chromium() as driver:
        yield driver


@pytest.fixture(scope="module")
def shared(origin: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with opened(tmp_path_factory.mktemp("lab"), origin) as lab:
        with lab.provider() as provider:
            provider.backends()
        yield lab


@pytest.fixture
def lab(shared: Lab) -> Iterator[Lab]:
    """The lab, its gate closed."""
    shared.gate.unlink(missing_ok=True)
    yield shared
    shared.gate.touch()


@pytest.fixture
def page(browser: webdriver.Chrome, lab: Lab) -> Page:
    """The page, which has listed the backends."""
    opened = Page(browser)
    opened.open(lab.origin, lab.url, lab.token)
    opened.until(opened.backends)
    return opened


def test_style_of_the_page_is_that_of_its_linters(files: Path) -> None:
    assert files.exists()
    PAGE.check()


def test_backends_are_listed_and_the_token_is_out_of_the_address(page: Page, lab: Lab) -> None:
    with lab.provider() as provider:
        names = [backend.name() for backend in provider.backends()]
    assert page.backends() == names
    assert page.alert() == []
    assert "server=" in page.driver.current_url
    assert "token" not in page.driver.current_url


def test_states_come_as_they_change_and_then_the_counts_that_python_has(
    page: Page, lab: Lab
) -> None:
    page.run(BITS, "gated", 600, SEED)
    page.until_state("RUNNING")
    assert page.counts() == {}
    lab.gate.touch()
    page.until(page.counts)
    states = page.states()
    assert states[0] in ("QUEUED", "VALIDATING")
    assert states[-1] == "DONE"
    assert len(states) == len(set(states)), "a state was told twice"
    assert page.counts() == lab.counts(BITS, "gated", 600)
    assert page.alert() == []
    assert page.calls() == ["ListBackends", "RunJob"]


def test_result_that_is_fetched_by_itself_and_compressed_is_read(page: Page, lab: Lab) -> None:
    page.run(MANY_OUTCOMES, "aer_simulator", 5000, SEED)
    page.until(page.counts)
    assert len(page.counts()) > 900
    assert page.counts() == lab.counts(MANY_OUTCOMES, "aer_simulator", 5000)
    assert page.calls()[-1] == "GetResult"
    assert lab.compression(page.job_id()) == Compression.COMPRESSION_ZSTD


def test_refusal_is_shown_with_its_reason_and_its_details(page: Page) -> None:
    page.run(BITS, "aer_simulater", 600, SEED)
    page.until(page.alert)
    title, *details = page.alert()
    assert title.startswith("NOT_FOUND BACKEND_NOT_FOUND: ")
    assert "near: aer_simulator" in details
    assert page.states() == []


def test_job_that_fails_is_shown_with_its_reason(page: Page) -> None:
    page.run(BITS.replace("h q[1]", "nonsense q[1]"), "aer_simulator", 600, SEED)
    page.until(page.alert)
    assert page.alert()[0].startswith("The job failed: PROGRAM_INVALID: ")
    assert page.states()[-1] == "ERROR"


def test_wrong_token_is_shown_as_such(page: Page, lab: Lab) -> None:
    page.open(lab.origin, lab.url, "lw_0_wrong")
    page.until(page.alert)
    assert page.alert()[0].startswith("UNAUTHENTICATED UNAUTHENTICATED: ")
    assert page.backends() == []


def test_cancel_ends_the_job_on_the_server(page: Page, lab: Lab) -> None:
    page.run(BITS, "gated", 600, SEED)
    page.until_state("RUNNING")
    page.cancel()
    page.until_state("CANCELLED")
    with lab.provider() as provider:
        assert provider.job(page.job_id()).status().name == "CANCELLED"
    page.until(page.element("run").is_enabled)
    assert not page.element("cancel").is_enabled()
    assert page.counts() == {}
    assert page.alert() == []


def test_page_from_another_origin_gets_nothing(page: Page, lab: Lab, files: Path) -> None:
    refused = ["UNAVAILABLE: the server cannot be reached, or refuses this page"]
    before = lab.job_ids()
    with served_files(files) as elsewhere:
        page.open(elsewhere, lab.url, lab.token)
        page.until(page.alert)
        assert page.alert() == refused
        assert page.backends() == []
        page.run(BITS, "aer_simulator", 600, SEED)
        # It may be that the server is away for a moment, so the page tries for a while.
        page.until(page.alert)
        assert page.alert() == refused
        assert page.states() == []
    assert lab.job_ids() == before


def test_page_goes_on_where_envoy_was_killed(page: Page, lab: Lab) -> None:
    page.run(BITS, "gated", 600, SEED)
    page.until_state("RUNNING")
    [envoy] = [
        pid
        for pid in lab.server.worker_pids()
        if Path(f"/proc/{pid}/comm").read_text() == "envoy\n"
    ]
    os.kill(envoy, signal.SIGKILL)
    wait_until(lambda: "Envoy ended with exit code" in lab.server.log())
    lab.gate.touch()
    page.until(page.counts)
    assert page.states()[-1] == "DONE"
    assert len(page.states()) == len(set(page.states())), "a state was told twice"
    assert page.counts() == lab.counts(BITS, "gated", 600)
    assert page.alert() == []
    assert page.calls()[-1] == "WatchJob"


def test_page_goes_on_where_the_server_is_started_again(
    browser: webdriver.Chrome, origin: str, tmp_path: Path
) -> None:
    page = Page(browser)
    with opened(tmp_path, origin) as first:
        page.open(origin, first.url, first.token)
        page.until(page.backends)
        page.run(BITS, "gated", 600, SEED)
        page.until_state("RUNNING")
        first.server.terminate()
    with opened(tmp_path, origin, first.url.removeprefix("http://")) as second:
        page.until(page.counts)
        assert page.states()[-1] == "DONE"
        assert page.counts() == second.counts(BITS, "gated", 600)
        assert page.job_id() in second.job_ids()
    assert page.alert() == []
