"""What every RPC asks of its caller, and which of its calls are recorded, said once more.

``tests/integration/test_access_matrix.py`` shows that a server does what its table says;
here a change of the table itself has to be meant.
"""

from __future__ import annotations

from longwire.v1.account_pb2 import Role, Scope
from longwire_server.servicers.access_table import ACCESS, Access, Audit

USER, OPERATOR, ADMIN = Role.ROLE_USER, Role.ROLE_OPERATOR, Role.ROLE_ADMIN
READ, SUBMIT, MANAGE = Scope.SCOPE_READ, Scope.SCOPE_SUBMIT, Scope.SCOPE_MANAGE
NEVER, BEYOND_TENANT, ALWAYS = Audit.NEVER, Audit.BEYOND_TENANT, Audit.ALWAYS

EXPECTED = {
    "/grpc.health.v1.Health/Check": None,
    "/grpc.health.v1.Health/List": (USER, READ, NEVER),
    "/grpc.health.v1.Health/Watch": (USER, READ, NEVER),
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": (USER, READ, NEVER),
    "/longwire.v1.AccountService/GetUsage": (USER, READ, BEYOND_TENANT),
    "/longwire.v1.AccountService/WhoAmI": (USER, READ, NEVER),
    "/longwire.v1.AdminService/CreateToken": (ADMIN, MANAGE, ALWAYS),
    "/longwire.v1.AdminService/DrainServer": (OPERATOR, MANAGE, ALWAYS),
    "/longwire.v1.AdminService/ListTenants": (ADMIN, MANAGE, ALWAYS),
    "/longwire.v1.AdminService/ListTokens": (ADMIN, MANAGE, ALWAYS),
    "/longwire.v1.AdminService/MoveJobToFront": (OPERATOR, MANAGE, ALWAYS),
    "/longwire.v1.AdminService/PauseBackend": (OPERATOR, MANAGE, ALWAYS),
    "/longwire.v1.AdminService/ResumeBackend": (OPERATOR, MANAGE, ALWAYS),
    "/longwire.v1.AdminService/RevokeToken": (ADMIN, MANAGE, ALWAYS),
    "/longwire.v1.AdminService/SetStatusMessage": (OPERATOR, MANAGE, ALWAYS),
    "/longwire.v1.AdminService/SetTenant": (ADMIN, MANAGE, ALWAYS),
    "/longwire.v1.BackendService/GetBackendConfiguration": (USER, READ, NEVER),
    "/longwire.v1.BackendService/GetBackendProperties": (USER, READ, NEVER),
    "/longwire.v1.BackendService/GetBackendStatus": (USER, READ, NEVER),
    "/longwire.v1.BackendService/GetBackendTarget": (USER, READ, NEVER),
    "/longwire.v1.BackendService/ListBackends": (USER, READ, NEVER),
    "/longwire.v1.BackendService/WatchBackendStatus": (USER, READ, NEVER),
    "/longwire.v1.CallService/MakeCalls": (USER, None, NEVER),
    "/longwire.v1.JobService/CancelJob": (USER, SUBMIT, ALWAYS),
    "/longwire.v1.JobService/DeleteJob": (USER, SUBMIT, ALWAYS),
    "/longwire.v1.JobService/GetJob": (USER, READ, BEYOND_TENANT),
    "/longwire.v1.JobService/GetResult": (USER, READ, ALWAYS),
    "/longwire.v1.JobService/ListJobs": (USER, READ, BEYOND_TENANT),
    "/longwire.v1.JobService/RunJob": (USER, SUBMIT, ALWAYS),
    "/longwire.v1.JobService/SubmitJob": (USER, SUBMIT, ALWAYS),
    "/longwire.v1.JobService/UpdateJob": (USER, SUBMIT, ALWAYS),
    "/longwire.v1.JobService/WatchJob": (USER, READ, ALWAYS),
    "/longwire.v1.SessionService/CloseSession": (USER, SUBMIT, ALWAYS),
    "/longwire.v1.SessionService/GetSession": (USER, READ, NEVER),
    "/longwire.v1.SessionService/OpenSession": (USER, SUBMIT, ALWAYS),
}


def test_every_call_asks_for_its_role_and_scope_and_is_recorded_as_it_should_be() -> None:
    assert dict(ACCESS) == {
        rpc: None if expected is None else Access(*expected) for rpc, expected in EXPECTED.items()
    }
