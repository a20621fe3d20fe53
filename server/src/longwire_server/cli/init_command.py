"""The command ``init``: a secure configuration in one step."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ipaddress
import json
import os
import shlex
import socket
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from longwire_server.cli.options import fail
from longwire_server.config import ServerConfig, is_loopback, load_config, split_address

if TYPE_CHECKING:
    from longwire_server.cli.authority import Authority

CONFIG_FILE = "longwire-server.toml"
AUTHORITY_FILE, AUTHORITY_KEY_FILE = "ca.pem", "ca.key"
CERTIFICATE_FILE, KEY_FILE = "server.pem", "server.key"
DATA_DIRECTORY = "data"
_TOKEN_NAME = "admin"  # noqa: S105 - what the token is called
_LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")


def init(
    host: Annotated[
        list[str] | None,
        typer.Option(
            "--host", help="A name or address by which clients call the server; repeatable."
        ),
    ] = None,
    directory: Annotated[
        Path, typer.Option("--dir", help="Where everything is put; made where it is missing.")
    ] = Path("longwire-server"),
    address: Annotated[
        str, typer.Option("--address", help="HOST:PORT to listen on.")
    ] = "0.0.0.0:50051",
) -> None:
    """Makes a secure configuration: an authority, a certificate, a store, an admin's token.

    Nothing that exists is overwritten. The token is printed once and kept nowhere: the
    store has its digest only.
    """
    from longwire_server.cli.authority import certificate_to_der

    listen_host, port = _checked_address(address)
    hosts = _hosts(host or [], listen_host)
    try:
        authority, files = _made_files(hosts, address)
    except ValueError as error:
        fail(str(error))
    directory = Path.cwd() / directory.expanduser()
    _refuse_to_overwrite(directory, files)
    try:
        made = _write(directory, files)
    except OSError as error:
        fail(f"cannot write {error.filename or directory}: {error.strerror}")
    token = _first_token(directory / CONFIG_FILE, made)
    login_host = hosts[0]
    where = f"[{login_host}]:{port}" if ":" in login_host else f"{login_host}:{port}"
    ca = base64.b64encode(certificate_to_der(authority.certificate)).decode()
    config = shlex.quote(str(directory / CONFIG_FILE))
    for line in (
        f"made {directory}: the configuration, a private authority, and a certificate for "
        f"{', '.join(hosts)}",
        "",
        "start the server:",
        f"  longwire-server serve --config {config}",
        "",
        "log in as its admin, here or on another machine; the token is not shown again:",
        f"  longwire login {where} --token {token} --ca {ca}",
        "",
        "a token for each user; --help says what else it can be:",
        f"  longwire-server token create --config {config} --name NAME",
    ):
        typer.echo(line)


def _checked_address(address: str) -> tuple[str, int]:
    try:
        host, port = split_address(address)
    except ValueError as error:
        fail(f"--address: {error}")
    if port == 0:
        fail("--address: port 0 would be another at every start; write one such as 50051")
    return host, port


def _hosts(given: list[str], listen_host: str) -> list[str]:
    """The names and addresses that the certificate is for, first that of the login."""
    own = socket.gethostname()
    others = [own] if own and own.isascii() else []
    try:
        if ipaddress.ip_address(listen_host).is_unspecified:
            others = [*others, *_LOCAL_HOSTS]
        else:
            others = [listen_host, *others, *_LOCAL_HOSTS]
    except ValueError:
        others = [listen_host, *others, *_LOCAL_HOSTS]
    if is_loopback(listen_host) and not given:
        # The only name that anybody can use.
        others = ["localhost", *others]
    return list(dict.fromkeys([*given, *others]))


def _made_files(hosts: list[str], address: str) -> tuple[Authority, dict[str, tuple[bytes, int]]]:
    """The authority, and what is written: contents and mode by name."""
    from longwire_server.cli.authority import (
        certificate_to_pem,
        issue,
        key_to_pem,
        new_authority,
        new_key,
    )

    authority, key = new_authority(hosts[0]), new_key()
    certificate = issue(authority, key.public_key(), hosts)
    secret, public = stat.S_IRUSR | stat.S_IWUSR, 0o644
    return authority, {
        AUTHORITY_KEY_FILE: (key_to_pem(authority.key), secret),
        AUTHORITY_FILE: (certificate_to_pem(authority.certificate), public),
        KEY_FILE: (key_to_pem(key), secret),
        CERTIFICATE_FILE: (certificate_to_pem(certificate), public),
        CONFIG_FILE: (_configuration(address).encode(), public),
    }


def _configuration(address: str) -> str:
    # A string of JSON is one of TOML.
    quoted = json.dumps(address, ensure_ascii=False)
    return f"""\
# Made by longwire-server init. Check it with: longwire-server check-config FILE

[server]
address = {quoted}
data_dir = "{DATA_DIRECTORY}"

[tls]
certificate = "{CERTIFICATE_FILE}"
key = "{KEY_FILE}"

[auth]
# Everybody must show a token; longwire-server token create --config FILE makes them.
required = true
"""


def _refuse_to_overwrite(directory: Path, files: dict[str, tuple[bytes, int]]) -> None:
    for name in (*files, DATA_DIRECTORY):
        if os.path.lexists(directory / name):
            fail(
                f"{directory / name} exists already, and nothing is overwritten; name another "
                "directory with --dir, or remove what is there"
            )


def _write(directory: Path, files: dict[str, tuple[bytes, int]]) -> list[Path]:
    """Writes everything, or nothing; returns what was made, in its order."""
    made: list[Path] = []
    try:
        if not directory.exists():
            directory.mkdir(parents=True, mode=0o700)
            made.append(directory)
        for name, (contents, mode) in files.items():
            path = directory / name
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            made.append(path)
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, mode)
                file.write(contents)
                file.flush()
                os.fsync(descriptor)
        (directory / DATA_DIRECTORY).mkdir(mode=0o700)
        made.append(directory / DATA_DIRECTORY)
    except OSError:
        _remove(made)
        raise
    return made


def _remove(made: list[Path]) -> None:
    for path in reversed(made):
        with contextlib.suppress(OSError):
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink()


def _first_token(path: Path, made: list[Path]) -> str:
    """Makes the store and the admin's token in it."""
    from longwire_server.store.job_store import StoreError

    # As the file has it: variables of the environment may be another server's.
    config = load_config(path, environment={})
    try:
        return asyncio.run(_admin_token(config))
    except (StoreError, OSError) as error:
        for path in config.server.data_dir.iterdir():
            path.unlink()
        _remove(made)
        fail(str(error))


async def _admin_token(config: ServerConfig) -> str:
    from longwire.v1.account_pb2 import Role
    from longwire_server.accounts.caller import DEFAULT_TENANT
    from longwire_server.accounts.tokens import new_token
    from longwire_server.store.direct_access import tokens_of

    record, token = new_token(
        name=_TOKEN_NAME,
        tenant=DEFAULT_TENANT,
        role=Role.ROLE_ADMIN,
        scopes=(),
        backend_names=(),
        expire_time_us=None,
        now_us=time.time_ns() // 1000,
    )
    async with tokens_of(config.store_url) as tokens:
        await tokens.add(record)
    return token
