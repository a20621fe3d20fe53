"""Which backends a caller may use, and how far beyond its tenant it may look."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import TypeVar

import pytest

from longwire.v1.account_pb2 import Role, Scope
from longwire.v1.error_pb2 import ErrorReason
from longwire_server.accounts.backend_access import BackendAccess
from longwire_server.accounts.caller import Caller, set_caller
from longwire_server.accounts.reach import reachable_tenant, tenant_asked_for
from longwire_server.refusals import RequestRefusedError

T = TypeVar("T")

ACCESS = BackendAccess({"open": None, "lab": ["physics"], "closed": []})
USER = Caller("physics")
OPERATOR = Caller("staff", role=Role.ROLE_OPERATOR)
READING_OPERATOR = Caller(
    "staff", role=Role.ROLE_OPERATOR, scopes=frozenset({Scope.SCOPE_READ, Scope.SCOPE_SUBMIT})
)


def as_caller(who: Caller, act: Callable[[], T]) -> T:
    def run() -> T:
        set_caller(who)
        return act()

    return contextvars.copy_context().run(run)


@pytest.mark.parametrize(
    ("who", "names"),
    [
        (USER, ["open", "lab"]),
        (Caller("chemistry"), ["open"]),
        (Caller("physics", backend_names=frozenset({"lab", "closed"})), ["lab"]),
        (Caller("chemistry", backend_names=frozenset({"lab"})), []),
    ],
    ids=["tenant", "other tenant", "credential", "credential of other tenant"],
)
def test_caller_may_use_what_its_tenant_and_its_credential_may(
    who: Caller, names: list[str]
) -> None:
    assert ACCESS.names_for(who) == names
    assert [name for name in ("open", "lab", "closed", "none") if ACCESS.may_use(who, name)] == (
        names
    )


def test_backend_that_may_not_be_used_is_refused_as_one_that_is_not_there() -> None:
    def refusal(name: str) -> RequestRefusedError:
        with pytest.raises(RequestRefusedError) as caught:
            as_caller(Caller("chemistry"), lambda: ACCESS.require(name))
        return caught.value

    hidden, absent = refusal("lab"), refusal("bal")
    assert hidden.reason == absent.reason == ErrorReason.ERROR_REASON_BACKEND_NOT_FOUND
    assert hidden.message == absent.message.replace("'bal'", "'lab'")
    assert hidden.details == absent.details == {"near": "", "hosted": "open"}
    as_caller(USER, lambda: ACCESS.require("lab"))


def test_operators_reach_all_tenants_and_users_their_own() -> None:
    assert as_caller(USER, reachable_tenant) == "physics"
    assert as_caller(READING_OPERATOR, reachable_tenant) == "staff"
    assert as_caller(OPERATOR, reachable_tenant) is None
    for who in (USER, OPERATOR):
        own = as_caller(who, lambda: tenant_asked_for("", all_tenants=False))
        assert own == who.tenant
    assert as_caller(USER, lambda: tenant_asked_for("physics", all_tenants=False)) == "physics"
    assert as_caller(OPERATOR, lambda: tenant_asked_for("a", all_tenants=False)) == "a"
    assert as_caller(OPERATOR, lambda: tenant_asked_for("", all_tenants=True)) is None


@pytest.mark.parametrize(
    ("who", "detail"),
    [(USER, {"role": "operator"}), (READING_OPERATOR, {"scope": "manage"})],
    ids=["role", "scope"],
)
@pytest.mark.parametrize("all_tenants", [False, True], ids=["one", "all"])
def test_asking_for_other_tenants_is_denied_with_what_it_takes(
    who: Caller, detail: dict[str, str], all_tenants: bool
) -> None:
    tenant = "" if all_tenants else "chemistry"
    with pytest.raises(RequestRefusedError) as caught:
        as_caller(who, lambda: tenant_asked_for(tenant, all_tenants=all_tenants))
    assert caught.value.reason == ErrorReason.ERROR_REASON_PERMISSION_DENIED
    assert caught.value.details == detail


def test_asking_for_one_tenant_and_all_is_refused() -> None:
    with pytest.raises(RequestRefusedError, match="all_tenants"):
        as_caller(OPERATOR, lambda: tenant_asked_for("a", all_tenants=True))
