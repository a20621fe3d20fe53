"""The queue of a real server with two tenants and an operator: shares, batches, sessions."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from api_tokens import make_token, shown, sqlite_url
from circuits import bell
from command_line import CommandLine
from qiskit.providers import JobStatus
from server_process import ServerProcess, configured_server, wait_until, wait_until_loaded
from service_calls import bell_spec

from longwire import RemoteEstimator, RemoteJob, RemoteSampler, RemoteService
from longwire.errors import InvalidArgumentError, InvalidOptionError, SessionNotFoundError
from longwire.events import QueuePosition
from longwire.v1.account_pb2 import Role, Tenant
from longwire.v1.account_service_pb2 import GetUsageRequest
from longwire.v1.account_service_pb2_grpc import AccountServiceStub
from longwire.v1.admin_service_pb2 import SetTenantRequest
from longwire.v1.admin_service_pb2_grpc import AdminServiceStub
from longwire.v1.backend_service_pb2 import (
    GetBackendStatusRequest,
    ListBackendsRequest,
    WatchBackendStatusRequest,
)
from longwire.v1.backend_service_pb2_grpc import BackendServiceStub
from longwire.v1.job_service_pb2 import SubmitJobRequest
from longwire.v1.job_service_pb2_grpc import JobServiceStub

CONFIG = """
[auth]
required = true

[limits]
session_idle_seconds = 30

[[pool]]
name = "default"
processes = 1

[[backend]]
name = "gated"
factory = "gated_backend:GatedBackend"

[[backend]]
name = "other"
factory = "gated_backend:GatedBackend"
"""


class Lab:
    """The server, and who calls it.

    Attributes:
        server: the server; its one worker runs the jobs of ``gated`` and ``other``.
        data_dir: its data directory.
        alice: a service of one tenant.
        bob: a service of another.
        operator: a service of an operator, of a third.
    """

    def __init__(self, server: ServerProcess, data_dir: Path) -> None:
        self.server = server
        self.data_dir = data_dir
        self.tokens = {
            name: make_token(sqlite_url(data_dir), tenant=name, name=name, role=role)
            for name, role in (
                ("alice", Role.ROLE_USER),
                ("bob", Role.ROLE_USER),
                ("operator", Role.ROLE_OPERATOR),
            )
        }
        self.alice, self.bob, self.operator = (
            RemoteService(server.address, token=token) for token in self.tokens.values()
        )

    def command(self, folder: Path) -> CommandLine:
        """The command line of the operator."""
        command = CommandLine(self.server.address, folder)
        command.environment["LONGWIRE_TOKEN"] = self.tokens["operator"]
        return command

    def told_paused(self, backend_name: str) -> tuple[bool, bool, bool]:
        """Whether a backend is paused, as alice is told it in each of the three ways."""
        metadata = shown(self.tokens["alice"])
        with grpc.insecure_channel(self.server.address) as channel:
            calls = BackendServiceStub(channel)
            [listed] = [
                each.paused
                for each in calls.ListBackends(ListBackendsRequest(), metadata=metadata).backends
                if each.name == backend_name
            ]
            asked = GetBackendStatusRequest(backend_name=backend_name)
            watched = WatchBackendStatusRequest(backend_name=backend_name)
            return (
                listed,
                calls.GetBackendStatus(asked, metadata=metadata).paused,
                next(calls.WatchBackendStatus(watched, metadata=metadata)).paused,
            )


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    data_dir = tmp_path_factory.mktemp("fair-queue")
    with configured_server(data_dir, CONFIG) as running:
        opened = Lab(running, data_dir)
        assert [backend.name for backend in opened.alice.backends()] == ["gated", "other"]
        yield opened
        for service in (opened.alice, opened.bob, opened.operator):
            service.close()


@pytest.fixture
def first(lab: Lab, gate: Path) -> Iterator[RemoteJob]:
    """A job of the operator's that keeps the worker until the gate opens."""
    job = lab.operator.backend("gated").run(bell(), shots=10, gate=str(gate))
    wait_until(job.running)
    yield job
    gate.touch()
    job.result(timeout=120)


def begun_in_order(jobs: dict[str, RemoteJob], gate: Path) -> list[str]:
    """Lets all jobs run, and returns their names in the order in which they began."""
    gate.touch()
    for job in jobs.values():
        job.result(timeout=120)
    starts = {name: job._record.refresh().start_time.ToMicroseconds() for name, job in jobs.items()}
    return sorted(starts, key=starts.__getitem__)


@pytest.mark.usefixtures("first")
def test_tenant_of_a_greater_weight_runs_its_jobs_before_others(lab: Lab, gate: Path) -> None:
    """A job of the others costs them as much as a hundred thousand of the heavy tenant."""
    heavy = make_token(sqlite_url(lab.data_dir), tenant="heavy")
    admin = make_token(sqlite_url(lab.data_dir), role=Role.ROLE_ADMIN)
    with grpc.insecure_channel(lab.server.address) as channel:
        AdminServiceStub(channel).SetTenant(
            SetTenantRequest(tenant=Tenant(name="heavy", weight=1_000_000.0)),
            metadata=shown(admin),
        )
    with RemoteService(lab.server.address, token=heavy) as service:
        light, weighty = lab.alice.backend("gated"), service.backend("gated")
        jobs = {f"l{number}": light.run(bell(), shots=10) for number in range(5)}
        jobs |= {f"h{number}": weighty.run(bell(), shots=10) for number in range(5)}
        order = begun_in_order(jobs, gate)
    # Who is first of all is not said: both begin at the same tag.
    assert [name[0] for name in order if name != "l0"] == [*"hhhhh", *"llll"]
    assert order.index("l0") <= 5


@pytest.mark.usefixtures("first")
def test_tenants_take_turns_and_priority_counts_within_one(lab: Lab, gate: Path) -> None:
    alice, bob = lab.alice.backend("gated"), lab.bob.backend("gated")
    jobs = {
        "a1": alice.run(bell(), shots=10),
        "a2": alice.run(bell(), shots=10),
        "a3": alice.run(bell(), shots=10, priority=2),
        "b1": bob.run(bell(), shots=10, priority=-10),
    }
    assert jobs["a3"].priority() == 2
    assert jobs["a2"].update_priority(1) == 1
    assert jobs["a3"].queue_position() == 1
    order = begun_in_order(jobs, gate)
    assert [name for name in order if name[0] == "a"] == ["a3", "a2", "a1"]
    assert order.index("b1") <= 1


@pytest.mark.usefixtures("first")
def test_jobs_of_a_batch_begin_in_order_whatever_their_priority(lab: Lab, gate: Path) -> None:
    with lab.alice.batch("gated", "scan") as batch:
        jobs = {
            "b1": batch.run(bell(), shots=10),
            "b2": lab.alice.backend("gated").run(bell(), shots=10, priority=10),
            "b3": RemoteSampler(mode=batch).run([bell()], shots=10),
        }
        # Of another backend, it is none of the batch's.
        outside = lab.alice.backend("other").run(bell(), shots=10)
    assert [job.batch() for job in jobs.values()] == ["scan"] * 3
    assert outside.batch() == ""
    with (
        lab.alice.batch("other", "scan") as wrong,
        pytest.raises(InvalidArgumentError, match="same backend"),
    ):
        wrong.run(bell(), shots=10)
    assert begun_in_order(jobs, gate) == ["b1", "b2", "b3"]


def test_session_runs_its_jobs_before_others_and_ends_with_its_block(lab: Lab, gate: Path) -> None:
    with lab.alice.session("gated", max_seconds=600) as session:
        held = session.run(bell(), shots=10, gate=str(gate))
        wait_until(held.running)
        waiting = lab.bob.backend("gated").run(bell(), shots=10)
        sampler, estimator = RemoteSampler(mode=session), RemoteEstimator(session)
        assert estimator.backend == sampler.backend == lab.alice.backend("gated")
        within = sampler.run([bell()], shots=10)
        by_block = lab.alice.backend("gated").run(bell(), shots=10)
        assert {job.session_id() for job in (held, within, by_block)} == {session.session_id}
        gate.touch()
        assert within.result(timeout=120)[0].data.c.num_shots == 10
        assert by_block.result(timeout=120).success
        assert waiting.status() is JobStatus.QUEUED
        assert session.status() == "ACTIVE"
        details = session.details()
        assert (details["state"], details["max_seconds"]) == ("ACTIVE", 600.0)
        assert details["start_time"] < details["end_time"]
    assert session.status() == "CLOSED"
    assert waiting.result(timeout=120).success
    with pytest.raises(SessionNotFoundError, match="is over"):
        session.run(bell(), shots=10)
    with pytest.raises(InvalidArgumentError, match="session_seconds"):
        lab.alice.session("gated", max_seconds=10_000)


def test_request_in_a_session_that_is_over_has_the_job_it_had(lab: Lab) -> None:
    spec = bell_spec(backend_name="gated")
    bearer = (("authorization", f"Bearer {lab.tokens['alice']}"),)
    with grpc.insecure_channel(lab.server.address) as channel:
        submit = JobServiceStub(channel).SubmitJob
        with lab.alice.session("gated") as session:
            spec.session_id = session.session_id
            request = SubmitJobRequest(spec=spec, request_id="in a session")
            first = submit(request, metadata=bearer).job
            assert lab.alice.job(first.job_id).result(timeout=120).success
        again = submit(request, metadata=bearer)
        assert (again.job.job_id, again.created) == (first.job_id, False)
        with pytest.raises(grpc.RpcError, match="is over"):
            submit(SubmitJobRequest(spec=spec, request_id="another"), metadata=bearer)


def test_idle_time_of_a_session_is_metered(lab: Lab) -> None:
    def used_seconds() -> float:
        with grpc.insecure_channel(lab.server.address) as channel:
            answer = AccountServiceStub(channel).GetUsage(
                GetUsageRequest(), metadata=shown(lab.tokens["bob"])
            )
        return sum(usage.worker_seconds for usage in answer.usage)

    before = used_seconds()
    with lab.bob.session("gated", idle_seconds=0.5) as session:
        wait_until(lambda: session.status() == "CLOSED")
        details = session.details()
    lasted_seconds = (details["end_time"] - details["start_time"]).total_seconds()
    # The clock of the day is not that of the timer.
    assert lasted_seconds > 0.4
    wait_until(lambda: used_seconds() - before > 0.9 * lasted_seconds)


def test_session_of_another_tenant_is_not_found(lab: Lab) -> None:
    with lab.alice.session("gated") as session:
        stranger = lab.bob.session("gated")
        stranger._session_id, own = session.session_id, stranger._session_id
        with pytest.raises(SessionNotFoundError, match="is not known"):
            stranger.status()
        with pytest.raises(SessionNotFoundError, match="is not known"):
            stranger.run(bell(), shots=10)
        stranger._session_id = own
        stranger.close()


@pytest.mark.parametrize("priority", [11, 1.5, True, "high"], ids=["11", "1.5", "True", "word"])
def test_priority_that_is_none_is_refused(lab: Lab, priority: object) -> None:
    with pytest.raises(InvalidOptionError, match="priority must be an integer"):
        lab.alice.backend("gated").run(bell(), priority=priority)


@pytest.mark.usefixtures("first")
def test_place_and_estimated_start_are_pushed_to_whoever_watches(lab: Lab, gate: Path) -> None:
    backend = lab.bob.backend("gated")
    backend.run(bell(), shots=10)
    job = backend.run(bell(), shots=10)
    told: list[QueuePosition] = []
    is_told = threading.Event()

    def watch() -> None:
        for event in job.events():
            if isinstance(event, QueuePosition):
                told.append(event)
                is_told.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    assert is_told.wait(60)
    assert told[0].position == 2
    assert told[0].estimated_start_time is not None
    assert job.estimated_start_time() is not None
    gate.touch()
    job.result(timeout=120)
    watcher.join(60)
    assert job.estimated_start_time() is None


@pytest.mark.usefixtures("first")
def test_operator_pauses_moves_and_tells_by_the_command_line(
    lab: Lab, gate: Path, tmp_path: Path
) -> None:
    command = lab.command(tmp_path)
    paused = command.json("pause", "gated")
    assert (paused["operational"], paused["status_msg"]) == (
        True,
        "paused: jobs are taken and wait",
    )
    alice = lab.alice.backend("gated")
    waiting = alice.run(bell(), shots=10)
    other = lab.bob.backend("other").run(bell(), shots=10)
    gate.touch()
    assert other.result(timeout=120).success
    assert (waiting.status(), waiting.queue_position()) == (JobStatus.QUEUED, None)
    assert command("set-message", "gated", "back at noon").stdout == (
        "message of gated: paused: back at noon\n"
    )
    assert alice.status().status_msg == "paused: back at noon"
    told_paused = lab.told_paused("gated"), lab.told_paused("other")
    assert told_paused == ((True, True, True), (False, False, False))
    told = "gated is paused: back at noon"
    assert told in command("job", waiting.job_id()).stdout
    assert told in command("watch", waiting.job_id(), "--timeout", "0").stderr
    (tmp_path / "x.qasm").write_text('OPENQASM 2.0; include "qelib1.inc"; qreg q[1]; x q[0];')
    submitted = command("submit", "x.qasm", "-b", "gated")
    assert submitted.stderr == f"{told}\n"
    assert command("cancel", submitted.stdout.strip()).returncode == 0
    assert lab.alice.least_busy().name == "other"
    last = alice.run(bell(), shots=10)
    assert command("move", last.job_id()).stdout == f"moved {last.job_id()} to the front\n"
    assert command("resume", "gated").stdout == "resumed gated: back at noon\n"
    assert begun_in_order({"waiting": waiting, "last": last}, gate) == ["last", "waiting"]
    assert command.json("set-message", "gated", "")["status_msg"] != "back at noon"
    code, error = command.error("move", last.job_id())
    assert (code, error["reason"]) == (1, "JOB_NOT_QUEUED")
    assert command.error("pause", "gate")[1]["reason"] == "BACKEND_NOT_FOUND"


@pytest.mark.usefixtures("first")
def test_command_line_submits_with_priority_and_batch(lab: Lab, tmp_path: Path) -> None:
    command = lab.command(tmp_path)
    (tmp_path / "bell.qasm").write_text('OPENQASM 2.0; include "qelib1.inc"; qreg q[1]; x q[0];')
    given = ("submit", "bell.qasm", "-b", "gated", "--priority", "-3", "--batch", "scan")
    job = command.json(*given)
    assert (job["priority"], job["batch"], job["session_id"]) == (-3, "scan", "")
    shown = command("job", job["job_id"]).stdout
    assert "priority" in shown
    assert "scan" in shown
    assert command.json("label", job["job_id"], "--priority", "4")["priority"] == 4
    labelled = command("label", job["job_id"], "--priority", "-5").stdout
    assert labelled.splitlines()[-1].split() == ["priority", "-5"]
    assert command.error("submit", "bell.qasm", "--priority", "11")[1]["reason"] == "USAGE"
    assert command("cancel", job["job_id"]).returncode == 0


def test_pause_holds_over_a_restart_and_drain_ends_the_server(tmp_path: Path) -> None:
    config = CONFIG.replace("required = true", 'anonymous_role = "operator"')
    with configured_server(tmp_path, config) as server:
        command = CommandLine(server.address, tmp_path)
        command("pause", "gated")
        assert command("drain").returncode == 0
        assert server.wait() == 0
    with configured_server(tmp_path, config) as server:
        wait_until_loaded(server)
        command = CommandLine(server.address, tmp_path)
        assert command.json("status", "gated")["status_msg"].startswith("paused")
