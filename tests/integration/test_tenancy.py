"""Two tenants and an operator on one server: what is whose, and who sees it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from api_tokens import make_token, shown, sqlite_url
from circuits import bell
from command_line import CommandLine
from server_process import ServerProcess, configured_server, wait_until

from longwire.codecs.payloads_digest import payloads_digest
from longwire.codecs.program import program_to_proto
from longwire.v1 import (
    account_service_pb2 as account_messages,
    admin_service_pb2 as admin_messages,
    backend_service_pb2 as backend_messages,
    job_service_pb2 as job_messages,
)
from longwire.v1.account_pb2 import Role
from longwire.v1.account_service_pb2_grpc import AccountServiceStub
from longwire.v1.admin_service_pb2_grpc import AdminServiceStub
from longwire.v1.backend_service_pb2_grpc import BackendServiceStub
from longwire.v1.job_pb2 import JobSpec, JobState
from longwire.v1.job_service_pb2_grpc import JobServiceStub

CONFIG = """
[auth]
required = true

[[pool]]
name = "default"
processes = 1

[[backend]]
name = "aer_simulator"

[[backend]]
name = "gated"
factory = "gated_backend:GatedBackend"

[[backend]]
name = "physics_only"
entry_point = "basic_simulator"
tenants = ["physics"]
"""
NO_SUCH_JOB = "0" * 32
SECONDS = 60.0


class Caller:
    """Somebody with a token, and all calls."""

    def __init__(self, server: ServerProcess, folder: Path, **token: Any) -> None:
        self.token = make_token(sqlite_url(folder), **token)
        self._metadata = shown(self.token)
        self._channel = grpc.insecure_channel(server.address)
        stubs = (JobServiceStub, BackendServiceStub, AccountServiceStub, AdminServiceStub)
        self._stubs = [stub(self._channel) for stub in stubs]

    def call(self, name: str, request: Any) -> Any:
        """The answer of a call; of a stream all answers, in a list."""
        stub = next(stub for stub in self._stubs if hasattr(stub, name))
        answer = getattr(stub, name)(request, metadata=self._metadata, timeout=SECONDS)
        return list(answer) if hasattr(answer, "__next__") else answer

    def refusal(self, name: str, request: Any) -> grpc.RpcError:
        with pytest.raises(grpc.RpcError) as caught:
            self.call(name, request)
        return caught.value

    def run(self, backend_name: str = "aer_simulator", shots: int = 10, **options: Any) -> str:
        """Runs a job to its end, and returns its id."""
        job_id = self.submit(backend_name, shots, **options)
        self.call("WatchJob", job_messages.WatchJobRequest(job_id=job_id))
        return job_id

    def submit(self, backend_name: str, shots: int, **options: Any) -> str:
        request = submission(backend_name, shots, **options)
        job_id: str = self.call("SubmitJob", request).job.job_id
        return job_id

    def close(self) -> None:
        self._channel.close()


def submission(backend_name: str, shots: int, **options: Any) -> job_messages.SubmitJobRequest:
    spec = JobSpec(backend_name=backend_name, program=program_to_proto([bell()]))
    spec.options.shots = shots
    for name, value in options.items():
        spec.options.backend_options.fields.add(name=name).value.string_value = value
    return job_messages.SubmitJobRequest(spec=spec)


class Scene:
    """A server, and who calls it."""

    def __init__(self, server: ServerProcess, folder: Path) -> None:
        self.server = server
        self.physics = Caller(server, folder, tenant="physics", name="alice")
        self.chemistry = Caller(server, folder, tenant="chemistry", name="bob")
        self.operator = Caller(server, folder, tenant="staff", role=Role.ROLE_OPERATOR)
        self.admin = Caller(server, folder, tenant="staff", role=Role.ROLE_ADMIN)
        self.callers = (self.physics, self.chemistry, self.operator, self.admin)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("tenancy")
    with configured_server(folder, CONFIG) as server:
        made = Scene(server, folder)
        made.physics.call("ListBackends", backend_messages.ListBackendsRequest())
        yield made
        for caller in made.callers:
            caller.close()


def requests_about(job_id: str) -> dict[str, Any]:
    """Every call that names a job."""
    return {
        "GetJob": job_messages.GetJobRequest(job_id=job_id),
        "WatchJob": job_messages.WatchJobRequest(job_id=job_id),
        "GetResult": job_messages.GetResultRequest(job_id=job_id),
        "CancelJob": job_messages.CancelJobRequest(job_id=job_id),
        "UpdateJob": job_messages.UpdateJobRequest(job_id=job_id, name="mine"),
        "DeleteJob": job_messages.DeleteJobRequest(job_id=job_id),
    }


@pytest.fixture
def waiting_job(scene: Scene, tmp_path: Path) -> Iterator[str]:
    """A job of physics that runs until the test's end."""
    gate = tmp_path / "gate"
    job_id = scene.physics.submit("gated", 10, gate=str(gate))
    yield job_id
    gate.touch()
    scene.physics.call("WatchJob", job_messages.WatchJobRequest(job_id=job_id))


@pytest.mark.parametrize("name", sorted(requests_about("")))
@pytest.mark.parametrize("is_live", [False, True], ids=["ended", "running"])
def test_job_of_another_tenant_is_not_there(
    scene: Scene, request: pytest.FixtureRequest, name: str, is_live: bool
) -> None:
    # One that runs keeps the only worker.
    live = is_live and request.getfixturevalue("waiting_job")
    job_id = live or scene.physics.run("physics_only")
    error = scene.chemistry.refusal(name, requests_about(job_id)[name])
    absent = scene.chemistry.refusal(name, requests_about(NO_SUCH_JOB)[name])
    assert error.code() == absent.code() == grpc.StatusCode.NOT_FOUND
    assert error.details() == absent.details().replace(NO_SUCH_JOB, job_id)
    job = scene.physics.call("GetJob", job_messages.GetJobRequest(job_id=job_id)).job
    assert (job.tenant, job.submitter, job.name) == ("physics", "alice", "")


@pytest.mark.parametrize("name", ["DeleteJob", "GetResult", "UpdateJob", "WatchJob"])
def test_operator_does_not_reach_programs_and_results_of_tenants(scene: Scene, name: str) -> None:
    job_id = scene.physics.run()
    error = scene.operator.refusal(name, requests_about(job_id)[name])
    assert error.code() == grpc.StatusCode.NOT_FOUND


def test_operator_sees_and_cancels_jobs_of_all_tenants(scene: Scene, waiting_job: str) -> None:
    request = job_messages.GetJobRequest(job_id=waiting_job)
    assert scene.operator.call("GetJob", request).job.tenant == "physics"
    # A second one waits behind it.
    queued = scene.chemistry.submit("aer_simulator", 10)
    for job_id in (queued, waiting_job):
        cancelled = scene.operator.call(
            "CancelJob", job_messages.CancelJobRequest(job_id=job_id)
        ).job
        assert cancelled.status.status == JobState.JOB_STATE_CANCELLED


def test_listing_holds_the_tenants_own_jobs_and_an_operators_those_asked_for(scene: Scene) -> None:
    own = {scene.physics: scene.physics.run(), scene.chemistry: scene.chemistry.run()}

    def listed(caller: Caller, **asked: Any) -> set[str]:
        request = job_messages.ListJobsRequest(page_size=1000, **asked)
        return {job.job_id for job in caller.call("ListJobs", request).jobs}

    for caller, job_id in own.items():
        assert set(own.values()) & listed(caller) == {job_id}
    assert listed(scene.operator) == set()
    assert set(own.values()) <= listed(scene.operator, all_tenants=True)
    assert set(own.values()) <= listed(
        scene.operator, all_tenants=True, states=[JobState.JOB_STATE_DONE]
    )
    chemistry = listed(scene.operator, tenant="chemistry", backend_name="aer_simulator")
    assert set(own.values()) & chemistry == {own[scene.chemistry]}
    assert listed(scene.operator, all_tenants=True, states=[JobState.JOB_STATE_QUEUED]) == set()
    for asked in ({"tenant": "physics"}, {"all_tenants": True}):
        request = job_messages.ListJobsRequest(**asked)
        error = scene.chemistry.refusal("ListJobs", request)
        assert error.code() == grpc.StatusCode.PERMISSION_DENIED


def test_program_and_request_of_another_tenant_are_unknown(scene: Scene) -> None:
    request = submission("aer_simulator", 10)
    request.request_id = uuid.uuid4().hex
    program = program_to_proto([bell()])
    program.payloads_sha256 = payloads_digest(list(program.payloads))
    request.spec.program.CopyFrom(program)
    first = scene.physics.call("SubmitJob", request)
    again = scene.physics.call("SubmitJob", request)
    assert (first.created, again.created, again.job.job_id) == (True, False, first.job.job_id)
    request.spec.program.ClearField("payloads")
    named = scene.chemistry.refusal("SubmitJob", request)
    assert named.code() == grpc.StatusCode.FAILED_PRECONDITION
    request.spec.program.CopyFrom(program)
    theirs = scene.chemistry.call("SubmitJob", request)
    assert theirs.created
    assert theirs.job.job_id != first.job.job_id


BACKEND_REQUESTS = {
    "GetBackendStatus": backend_messages.GetBackendStatusRequest,
    "WatchBackendStatus": backend_messages.WatchBackendStatusRequest,
    "GetBackendConfiguration": backend_messages.GetBackendConfigurationRequest,
    "GetBackendProperties": backend_messages.GetBackendPropertiesRequest,
    "GetBackendTarget": backend_messages.GetBackendTargetRequest,
}


@pytest.mark.parametrize("name", [*sorted(BACKEND_REQUESTS), "RunJob", "SubmitJob"])
def test_backend_of_another_tenant_is_not_there(scene: Scene, name: str) -> None:
    def request(backend_name: str) -> Any:
        if name in BACKEND_REQUESTS:
            return BACKEND_REQUESTS[name](backend_name=backend_name)
        spec = submission(backend_name, 10).spec
        return getattr(job_messages, f"{name}Request")(spec=spec)

    error = scene.chemistry.refusal(name, request("physics_only"))
    absent = scene.chemistry.refusal(name, request("physics_none"))
    assert error.code() == absent.code() == grpc.StatusCode.NOT_FOUND
    assert error.details() == absent.details().replace("physics_none", "physics_only")
    assert "aer_simulator" in error.details()
    if name not in ("WatchBackendStatus", "RunJob"):
        scene.physics.call(name, request("physics_only"))


def test_backends_that_are_listed_are_those_of_tenant_and_credential(scene: Scene) -> None:
    folder = scene.server.log_path.parent
    narrow = Caller(
        scene.server, folder, tenant="physics", backend_names=["physics_only"], name="narrow"
    )

    def names(caller: Caller) -> list[str]:
        request = backend_messages.ListBackendsRequest()
        return [backend.name for backend in caller.call("ListBackends", request).backends]

    assert names(scene.physics) == ["aer_simulator", "gated", "physics_only"]
    assert names(scene.chemistry) == ["aer_simulator", "gated"]
    assert names(narrow) == ["physics_only"]
    request = submission("aer_simulator", 10)
    assert narrow.refusal("SubmitJob", request).code() == grpc.StatusCode.NOT_FOUND
    narrow.close()


def used(caller: Caller, **asked: Any) -> dict[tuple[str, str], tuple[int, int, float]]:
    """What was used, by tenant and backend."""
    found = caller.call("GetUsage", account_messages.GetUsageRequest(**asked)).usage
    return {
        (each.tenant, each.backend_name): (each.jobs, each.shots, each.worker_seconds)
        for each in found
    }


def test_usage_is_metered_by_tenant_and_backend(scene: Scene) -> None:
    key = ("chemistry", "aer_simulator")
    jobs, shots, seconds = used(scene.chemistry).get(key, (0, 0, 0.0))
    for number in (100, 23):
        scene.chemistry.run(shots=number)
    failed = submission("aer_simulator", 10, no_such_option="x")
    job_id = scene.chemistry.call("SubmitJob", failed).job.job_id
    scene.chemistry.call("WatchJob", job_messages.WatchJobRequest(job_id=job_id))
    now = used(scene.chemistry)[key]
    assert now[:2] == (jobs + 3, shots + 123)
    assert now[2] > seconds
    assert all(tenant == "chemistry" for tenant, _ in used(scene.chemistry))
    assert used(scene.operator, tenant="chemistry") == used(scene.chemistry)
    assert used(scene.operator, all_tenants=True)[key] == now
    assert used(scene.chemistry, last_day="2020-01-01") == {}
    error = scene.chemistry.refusal("GetUsage", account_messages.GetUsageRequest(tenant="physics"))
    assert error.code() == grpc.StatusCode.PERMISSION_DENIED
    error = scene.chemistry.refusal("GetUsage", account_messages.GetUsageRequest(first_day="1 May"))
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_attempt_that_is_cancelled_counts_its_seconds(scene: Scene, tmp_path: Path) -> None:
    key = ("chemistry", "gated")
    jobs, shots, seconds = used(scene.chemistry).get(key, (0, 0, 0.0))
    job_id = scene.chemistry.submit("gated", 10, gate=str(tmp_path / "never"))
    get = job_messages.GetJobRequest(job_id=job_id)
    running = JobState.JOB_STATE_RUNNING
    wait_until(lambda: scene.chemistry.call("GetJob", get).job.status.status == running)
    scene.chemistry.call("CancelJob", job_messages.CancelJobRequest(job_id=job_id))
    now = used(scene.chemistry)[key]
    assert now[:2] == (jobs + 1, shots)
    assert now[2] > seconds


def test_quotas_that_an_admin_sets_hold_at_once(scene: Scene) -> None:
    request = admin_messages.SetTenantRequest()
    request.tenant.name = "chemistry"
    request.tenant.weight = 2.0
    request.tenant.quotas.shots = 50
    scene.admin.call("SetTenant", request)
    try:
        error = scene.chemistry.refusal("SubmitJob", submission("aer_simulator", 51))
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "quotas.shots" in error.details()
        scene.physics.run(shots=51)
        who = scene.chemistry.call("WhoAmI", account_messages.WhoAmIRequest())
        assert (who.tenant.weight, who.tenant.quotas.shots) == (2.0, 50)
        assert who.tenant.quotas.circuits > 0
        listed = scene.admin.call("ListTenants", admin_messages.ListTenantsRequest())
        assert list(listed.tenants) == [request.tenant]
        error = scene.operator.refusal("SetTenant", request)
        assert error.code() == grpc.StatusCode.PERMISSION_DENIED
    finally:
        plain = admin_messages.SetTenantRequest()
        plain.tenant.name = "chemistry"
        scene.admin.call("SetTenant", plain)
    scene.chemistry.run(shots=51)


def test_usage_command_shows_what_was_used(scene: Scene, tmp_path: Path) -> None:
    scene.physics.run()

    def longwire(caller: Caller) -> CommandLine:
        command = CommandLine(scene.server.address, tmp_path)
        command.environment["LONGWIRE_TOKEN"] = caller.token
        return command

    own = longwire(scene.physics)("usage", "--since", "7d")
    assert (own.returncode, own.stderr) == (0, "")
    assert "aer_simulator" in own.stdout
    assert "total" in own.stdout
    everybody = longwire(scene.operator).json("usage", "--all")
    assert {each["tenant"] for each in everybody["usage"]} >= {"physics"}
    code, error = longwire(scene.physics).error("usage", "--all")
    assert (code, error["reason"]) == (1, "PERMISSION_DENIED")
    table = longwire(scene.operator)("jobs", "--all-tenants").stdout
    assert "TENANT" in table
    assert "physics" in table
