"""The commands ``login``, ``logout``, ``accounts`` and ``whoami``."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from longwire.cli.command_error import CommandError
from longwire.cli.session import Session, open_session
from longwire.cli.table import Cell, Column, render_fields, render_table
from longwire.cli.terminal import table_width_columns, write, write_error
from longwire.transport.address import resolve_address
from longwire.transport.credentials import GivenCredentials, holds_authority
from longwire.transport.saved_accounts import (
    SavedAccount,
    SavedAccounts,
    read_accounts,
    write_accounts,
)

if TYPE_CHECKING:
    from longwire.v1.account_pb2 import Account, Tenant
    from longwire.v1.account_service_pb2 import WhoAmIResponse

_TOKEN_PARTS = 3


def login(arguments: argparse.Namespace) -> None:
    """Saves an account, after the server has accepted it."""
    address = resolve_address(arguments.server or arguments.address)
    given = GivenCredentials(
        token=_token(arguments),
        ca=arguments.ca,
        certificate=arguments.certificate,
        key=arguments.key,
        tls=True if arguments.tls else None,
    )
    with open_session(address, as_json=arguments.as_json, credentials=given) as session:
        answer = session.account.who_am_i()
        account = session.connection.credentials.account(address)
    path = _saved(read_accounts().with_account(account))
    is_authority = holds_authority(account.ca) if account.ca else None
    if arguments.as_json:
        more = {"saved_in": path, "ca_is_authority": is_authority}
        write(json.dumps({**_document(address, answer), **more}, indent=2))
        return
    write(f"logged in to {address} as {_shown(answer.account)}")
    write_error(f"saved in {path}; used from now on where no other address is given")
    if account.token and not answer.account.token_id and _kind(answer.account) == "none":
        write_error("the server asks nobody for a token")
    if is_authority is False:
        write_error(
            "warning: what was given as --ca is no authority but the certificate of a server, and "
            "is trusted until the server has a new one. Ask the operator for the authority (ca.pem "
            "of longwire-server init), and log in again with it"
        )


def logout(arguments: argparse.Namespace) -> None:
    """Forgets an account."""
    saved = read_accounts()
    address = _known_address(saved, arguments.server or arguments.address)
    path = _saved(saved.without(address))
    if arguments.as_json:
        write(json.dumps({"address": address, "removed_from": path}, indent=2))
        return
    write(f"forgot the account for {address}")
    write_error("its token stays good; an admin of the server can revoke it")


def accounts(arguments: argparse.Namespace) -> None:
    """Lists what is saved, without secrets; makes another one the default."""
    saved = read_accounts()
    if arguments.default is not None:
        saved = SavedAccounts(saved.accounts, _known_address(saved, arguments.default).lower())
        _saved(saved)
    listed = list(saved.accounts.items())
    if arguments.as_json:
        documents = [_account_document(each, saved) for _, each in listed]
        write(json.dumps({"accounts": documents}, indent=2))
        return
    if not listed:
        write_error("no account is saved; longwire login ADDRESS saves one")
        return
    columns = [Column(name) for name in ("", "ADDRESS", "TOKEN", "TLS", "CERTIFICATE")]
    rows: list[list[Cell | str]] = [
        [
            "*" if key == saved.default_address else "",
            Cell(each.address, ("bold",)),
            _token_shown(each.token) or "none",
            ("own authority" if each.ca else "yes") if each.tls else "no",
            each.certificate or "none",
        ]
        for key, each in listed
    ]
    for line in render_table(columns, rows, width=table_width_columns()):
        write(line)


def whoami(session: Session, _arguments: argparse.Namespace) -> None:
    """Shows who the caller is to the server."""
    answer = session.account.who_am_i()
    if session.as_json:
        session.write_json(_document(session.address, answer))
        return
    account = answer.account
    fields: list[tuple[str, Cell | str]] = [
        ("server", session.address),
        ("tenant", Cell(account.tenant, ("bold",))),
        ("subject", account.subject or "none"),
        ("role", _role(account)),
        ("scopes", ", ".join(_scopes(account)) or "none"),
        ("backends", ", ".join(account.backend_names) or "all of the tenant's"),
        ("known by", _known_by(account)),
        ("expires", _expires(account) or "never"),
    ]
    fields += [(f"limit: {name}", str(value)) for name, value in _quotas(answer.tenant).items()]
    for line in render_fields(fields):
        write(line)


def _token(arguments: argparse.Namespace) -> str:
    """The token as it was given; asked for where it was not, but never shown."""
    is_typed = sys.stdin.isatty()
    if arguments.token == "-" and not is_typed:  # noqa: S105 - the sign for the standard input
        return sys.stdin.readline().strip() or _refuse_without_token()
    if arguments.token not in (None, "-"):
        return str(arguments.token)
    if arguments.token is None and arguments.certificate is not None:
        # Shows who it is.
        return ""
    if not is_typed:
        _refuse_without_token()
    import getpass

    return getpass.getpass("token (not shown): ").strip() or _refuse_without_token()


def _refuse_without_token() -> NoReturn:
    raise CommandError(
        "TOKEN_MISSING",
        "No token is given: --token TOKEN, or --token - with the token on the standard input",
    )


def _known_address(saved: SavedAccounts, given: str | None) -> str:
    """The address of an account that there is; the default's where none is given."""
    address = saved.default_address if given is None else resolve_address(given)
    account = None if address is None else saved.of(address)
    if account is None:
        which = "no account is saved" if address is None else f"no account is saved for {address}"
        known = ", ".join(each.address for each in saved.accounts.values())
        raise CommandError(
            "ACCOUNT_NOT_FOUND",
            f"{which}; there are accounts for {known}" if known else which,
        )
    return account.address


def _saved(saved: SavedAccounts) -> str:
    try:
        return str(write_accounts(saved))
    except OSError as error:
        raise CommandError(
            "ACCOUNTS_NOT_WRITABLE",
            f"{error.filename} cannot be written: {error.strerror}; LONGWIRE_CONFIG_DIR names "
            "another directory",
        ) from error


def _token_shown(token: str) -> str:
    """A token's id, which is no secret; of a token of another kind only that there is one."""
    parts = token.split("_", _TOKEN_PARTS - 1)
    is_own = len(parts) == _TOKEN_PARTS and parts[0] == "lw"
    return parts[1] if is_own else "JWT" if token else ""


def _account_document(account: SavedAccount, saved: SavedAccounts) -> dict[str, Any]:
    return {
        "address": account.address,
        "is_default": account.address.lower() == saved.default_address,
        "token_id": _token_shown(account.token) or None,
        "tls": account.tls,
        "has_own_authority": bool(account.ca),
        "certificate": account.certificate or None,
    }


def _document(address: str, answer: WhoAmIResponse) -> dict[str, Any]:
    account = answer.account
    return {
        "address": address,
        "tenant": account.tenant,
        "subject": account.subject,
        "role": _role(account),
        "scopes": _scopes(account),
        "backend_names": list(account.backend_names),
        "credential_kind": _kind(account),
        "token_id": account.token_id or None,
        "expire_time": _expires(account) or None,
        "weight": answer.tenant.weight,
        "quotas": _quotas(answer.tenant),
    }


def _shown(account: Account) -> str:
    expires = f", until {_expires(account)}" if _expires(account) else ""
    who = account.subject or "anybody"
    return f"{who} of tenant {account.tenant} (role {_role(account)}{expires})"


def _known_by(account: Account) -> str:
    kind = _kind(account)
    return f"{kind} {account.token_id}" if account.token_id else kind


def _role(account: Account) -> str:
    from longwire.v1.account_pb2 import Role

    return _word(Role, account.role, "ROLE_")


def _scopes(account: Account) -> list[str]:
    from longwire.v1.account_pb2 import Scope

    return [_word(Scope, scope, "SCOPE_") for scope in account.scopes]


def _kind(account: Account) -> str:
    from longwire.v1.account_pb2 import CredentialKind

    return _word(CredentialKind, account.credential_kind, "CREDENTIAL_KIND_")


def _word(enum: Any, value: int, prefix: str) -> str:
    """A member's name in small letters; its number where the server is newer."""
    known = value in enum.values()
    return str(enum.Name(value)).removeprefix(prefix).lower() if known else str(value)


def _expires(account: Account) -> str:
    if not account.HasField("expire_time"):
        return ""
    from longwire.cli.times import to_datetime

    return to_datetime(account.expire_time).isoformat()


def _quotas(tenant: Tenant) -> dict[str, float]:
    return {field.name: value for field, value in tenant.quotas.ListFields()}
