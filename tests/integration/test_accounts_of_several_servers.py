"""Two servers on one PostgreSQL: tokens, quotas and tenants are those of both."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from api_tokens import Metadata, make_token, shown, token_id
from google.rpc import code_pb2
from postgresql_server import PostgresqlServer
from server_process import configured_server, wait_until
from service_calls import bell_spec, refusal

from longwire.v1 import account_service_pb2, admin_service_pb2, job_service_pb2
from longwire.v1.account_pb2 import Quotas, Role, Tenant
from longwire.v1.account_service_pb2_grpc import AccountServiceStub
from longwire.v1.admin_service_pb2_grpc import AdminServiceStub
from longwire.v1.job_service_pb2_grpc import JobServiceStub

CALL_SECONDS = 120.0
NUM_JOBS = 100
CONFIG = """
[auth]
required = true

[store]
url = "{url}"

[[pool]]
name = "default"
processes = 1

[[backend]]
name = "gated"
factory = "gated_backend:GatedBackend"
"""


class House:
    """The services of one server."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.jobs = JobServiceStub(channel)
        self.accounts = AccountServiceStub(channel)
        self.admins = AdminServiceStub(channel)

    def whoami(self, metadata: Metadata) -> account_service_pb2.WhoAmIResponse:
        request = account_service_pb2.WhoAmIRequest()
        return self.accounts.WhoAmI(request, metadata=metadata, timeout=CALL_SECONDS)

    def submit(self, metadata: Metadata, gate: Path) -> str:
        request = job_service_pb2.SubmitJobRequest(spec=bell_spec(gate=gate))
        answer = self.jobs.SubmitJob(request, metadata=metadata, timeout=CALL_SECONDS)
        return str(answer.job.job_id)


@dataclasses.dataclass(frozen=True)
class Institute:
    """Two servers, and who may do everything on both."""

    url: str
    here: House
    there: House
    admin: Metadata


@pytest.fixture(scope="module")
def institute(
    postgresql: PostgresqlServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Institute]:
    folder = tmp_path_factory.mktemp("institute")
    with postgresql.database() as url:
        config = CONFIG.format(url=url)
        admin = make_token(url, role=Role.ROLE_ADMIN, name="root")
        with (
            configured_server(folder / "first", config) as first,
            configured_server(folder / "second", config) as second,
            grpc.insecure_channel(first.address) as here,
            grpc.insecure_channel(second.address) as there,
        ):
            yield Institute(url, House(here), House(there), shown(admin))


def set_tenant(house: House, admin: Metadata, tenant: Tenant) -> None:
    request = admin_service_pb2.SetTenantRequest(tenant=tenant)
    house.admins.SetTenant(request, metadata=admin, timeout=CALL_SECONDS)


def test_token_revoked_through_one_server_ends_its_streams_on_another(
    institute: Institute, gate: Path
) -> None:
    text = make_token(institute.url, name="bob", tenant="chemistry")
    job_id = institute.there.submit(shown(text), gate)
    watch = institute.there.jobs.WatchJob(
        job_service_pb2.WatchJobRequest(job_id=job_id), metadata=shown(text), timeout=CALL_SECONDS
    )
    assert next(iter(watch)).events
    request = admin_service_pb2.RevokeTokenRequest(token_id=token_id(text))
    institute.here.admins.RevokeToken(request, metadata=institute.admin, timeout=CALL_SECONDS)
    # Until the deadline of the call at most; the job goes on behind its gate.
    status, info = refusal(lambda: watch)
    assert (status.code, info.reason) == (code_pb2.UNAUTHENTICATED, "UNAUTHENTICATED")
    for house in (institute.here, institute.there):
        status, _ = refusal(lambda house=house: [house.whoami(shown(text))])
        assert status.code == code_pb2.UNAUTHENTICATED


def test_quota_set_through_one_server_counts_the_jobs_of_both(
    institute: Institute, gate: Path
) -> None:
    owner = shown(make_token(institute.url, name="carol", tenant="biology"))
    tenant = Tenant(name="biology", quotas=Quotas(unfinished_jobs=NUM_JOBS))
    set_tenant(institute.here, institute.admin, tenant)

    def quota(house: House) -> int:
        return house.whoami(owner).tenant.quotas.unfinished_jobs

    wait_until(lambda: quota(institute.there) == NUM_JOBS)
    for _ in range(NUM_JOBS):
        institute.here.submit(owner, gate)
    # The other counts them from time to time, and takes some until then. Without that it
    # would take as many again, which is more than it is asked to here.
    with pytest.raises(grpc.RpcError) as caught:
        submit_some(institute.there, owner, gate)
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    _, info = refusal(lambda: [institute.there.submit(owner, gate)])
    assert info.metadata["limit"] == "quotas.unfinished_jobs"


def submit_some(house: House, owner: Metadata, gate: Path) -> None:
    for _ in range(NUM_JOBS - 1):
        house.submit(owner, gate)
        time.sleep(0.5)
