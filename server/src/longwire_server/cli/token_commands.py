"""``longwire-server token``: API tokens, made, listed and revoked in the store itself.

A server that runs on the same store knows of it at once.
"""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from longwire_server.cli.account_store import change_accounts, read_accounts
from longwire_server.cli.options import ConfigOption, DataDirOption, fail, load
from longwire_server.config import ServerConfig

if TYPE_CHECKING:
    from longwire_server.store.token import StoredToken

app = typer.Typer(
    help="Makes, lists and revokes API tokens, whether or not the server runs.",
    no_args_is_help=True,
)

_SECONDS_PER_DAY: Final = 86_400
_MAX_DAYS: Final = 36_500

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def create(
    name: Annotated[str, typer.Option(help="What it is called: the holder, or what it is for.")],
    tenant: Annotated[str, typer.Option(help="Who owns the jobs.")] = "default",
    role: Annotated[str, typer.Option(help="user, operator or admin.")] = "user",
    scope: Annotated[
        list[str] | None,
        typer.Option(help="read, submit or manage; again for more. All of the role by default."),
    ] = None,
    backend: Annotated[
        list[str] | None,
        typer.Option(help="A backend that it is good for; again for more. All by default."),
    ] = None,
    expires_days: Annotated[
        float | None,
        typer.Option(min=0.001, max=_MAX_DAYS, help="After how many days it expires."),
    ] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Makes a token and prints it, this once: only its hash is kept."""
    from longwire_server.accounts.roles import ROLES, SCOPES
    from longwire_server.refusals import RequestRefusedError

    lifetime = None if expires_days is None else expires_days * _SECONDS_PER_DAY
    try:
        text = create_token(
            load(config, data_dir=data_dir),
            name=name,
            tenant=tenant,
            role=_number_of(role, ROLES, "--role"),
            scopes=[_number_of(each, SCOPES, "--scope") for each in scope or ()],
            backend_names=backend or (),
            lifetime_seconds=lifetime,
        )
    except RequestRefusedError as error:
        fail(error.message)
    typer.echo(text)


@app.command("list")
def list_tokens(
    config: ConfigOption = None, data_dir: DataDirOption = None, as_json: JsonOption = False
) -> None:
    """Lists the tokens, the newest first, also those that are good no longer."""
    tokens = read_accounts(load(config, data_dir=data_dir), lambda found: found.tokens.all())
    rows = [_row(token) for token in tokens]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    columns = ["token_id", "name", "tenant", "role", "scopes", "backends", "expires", "state"]
    lines = [columns, *([row[column] or "-" for column in columns] for row in rows)]
    widths = [max(len(line[number]) for line in lines) for number in range(len(columns))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


@app.command()
def revoke(
    token_id: Annotated[
        str, typer.Argument(help="Its id, as list shows it; of a whole token, the id is taken.")
    ],
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Revokes a token, at once: streams that it has open end."""
    now_us = time.time_ns() // 1000
    # Of a whole token the secret is not looked at, and never shown.
    wanted = token_id.removeprefix("lw_").partition("_")[0]
    token = change_accounts(
        load(config, data_dir=data_dir),
        lambda found: found.tokens.revoke(wanted, now_us),
        lambda found: _facts("revoke", found) if found is not None else {},
    )
    if token is None:
        fail(f"no token has the id {wanted!r}; token list shows them")
    typer.echo(f"{token.token_id} ({token.name}) is revoked")


def create_token(
    config: ServerConfig,
    *,
    name: str,
    tenant: str,
    role: int,
    scopes: Sequence[int] = (),
    backend_names: Sequence[str] = (),
    lifetime_seconds: float | None = None,
) -> str:
    """Makes a token in the store of a configuration; ends the command where that fails.

    Args:
        config: the server's configuration.
        name: what it is called.
        tenant: for which it is good.
        role: a longwire.v1.Role.
        scopes: longwire.v1.Scope; empty for all of the role.
        backend_names: for which it is good; empty for all.
        lifetime_seconds: after which it expires; None for never.

    Returns:
        The token itself, which is kept nowhere.

    Raises:
        RequestRefusedError: something of it cannot be.
    """
    from longwire_server.accounts.tokens import new_token

    now_us = time.time_ns() // 1000
    expires = None if lifetime_seconds is None else now_us + int(lifetime_seconds * 1_000_000)
    token, text = new_token(
        name=name,
        tenant=tenant,
        role=role,
        scopes=scopes,
        backend_names=backend_names,
        expire_time_us=expires,
        now_us=now_us,
    )
    change_accounts(
        config, lambda found: found.tokens.add(token), lambda _: _facts("create", token)
    )
    return text


def _facts(command: str, token: StoredToken) -> dict[str, str]:
    """What the audit log says of a change."""
    return {
        "method": f"longwire-server token {command}",
        "about_token_id": token.token_id,
        "about_tenant": token.tenant,
    }


def _row(token: StoredToken) -> dict[str, str]:
    from longwire_server.accounts.roles import role_name, scope_name

    is_over = token.expire_time_us is not None and token.expire_time_us <= time.time() * 1e6
    state = "revoked" if token.revoke_time_us is not None else "expired" if is_over else "good"
    return {
        "token_id": token.token_id,
        "name": token.name,
        "tenant": token.tenant,
        "role": role_name(token.role),
        "scopes": " ".join(scope_name(scope) for scope in sorted(token.scopes)),
        "backends": " ".join(sorted(token.backend_names)),
        "created": _day(token.create_time_us),
        "expires": _day(token.expire_time_us),
        "revoked": _day(token.revoke_time_us),
        "state": state,
    }


def _day(time_us: int | None) -> str:
    if time_us is None:
        return ""
    then = datetime.datetime.fromtimestamp(time_us / 1e6, datetime.UTC)
    return then.isoformat(timespec="seconds")


def _number_of(word: str, known: Any, option: str) -> int:
    if word not in known:
        fail(f"{option} {word!r} is unknown; write one of {', '.join(known)}")
    number: int = known[word]
    return number
