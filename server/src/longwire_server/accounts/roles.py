"""Roles and scopes in the words of configurations and command lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from longwire.v1.account_pb2 import Role, Scope

ROLES: Final[Mapping[str, Role.ValueType]] = {
    "user": Role.ROLE_USER,
    "operator": Role.ROLE_OPERATOR,
    "admin": Role.ROLE_ADMIN,
}
SCOPES: Final[Mapping[str, Scope.ValueType]] = {
    "read": Scope.SCOPE_READ,
    "submit": Scope.SCOPE_SUBMIT,
    "manage": Scope.SCOPE_MANAGE,
}


def role_name(role: int) -> str:
    """A role in words, such as ``operator``."""
    return next(name for name, each in ROLES.items() if each == role)


def scope_name(scope: int) -> str:
    """A scope in words, such as ``submit``."""
    return next(name for name, each in SCOPES.items() if each == scope)


def scopes_of(role: Role.ValueType) -> frozenset[Scope.ValueType]:
    """All that a role may do."""
    manages = role >= Role.ROLE_OPERATOR
    return frozenset(scope for scope in SCOPES.values() if manages or scope != Scope.SCOPE_MANAGE)
