"""``longwire-server token``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from postgresql_server import PostgresqlServer
from typer.testing import CliRunner, Result

from longwire_server.accounts.tokens import parse_token
from longwire_server.cli.main import app


def command(data_dir: Path, *arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(
        app, ["token", *arguments, "--data-dir", str(data_dir)], env=environment
    )


def listed(data_dir: Path, **environment: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(
        command(data_dir, "list", "--json", **environment).stdout
    )
    return found


def test_token_is_made_listed_and_revoked_before_the_first_start(tmp_path: Path) -> None:
    made = command(
        tmp_path, "create", "--name", "alice", "--tenant", "physics", "--role", "operator",
        "--scope", "read", "--scope", "manage", "--backend", "one", "--expires-days", "30",
    )  # fmt: skip
    assert made.exit_code == 0, made.output
    parsed = parse_token(made.stdout.strip())
    assert parsed is not None
    [row] = listed(tmp_path)
    assert row["token_id"] == parsed[0]
    assert parsed[1] not in str(row)
    facts = {"name": "alice", "tenant": "physics", "role": "operator", "backends": "one"}
    assert facts.items() <= row.items()
    assert (row["scopes"], row["state"]) == ("read manage", "good")
    done = command(tmp_path, "revoke", parsed[0])
    assert done.stdout == f"{parsed[0]} (alice) is revoked\n"
    assert listed(tmp_path)[0]["state"] == "revoked"
    table = command(tmp_path, "list").stdout.splitlines()
    assert table[0].split()[:3] == ["token_id", "name", "tenant"]
    assert table[1].split()[:3] == [parsed[0], "alice", "physics"]


def test_token_is_made_in_postgresql(tmp_path: Path, postgresql: PostgresqlServer) -> None:
    with postgresql.database() as url:
        environment = {"LONGWIRE_SERVER_STORE_URL": url}
        made = command(tmp_path, "create", "--name", "alice", **environment)
        assert made.exit_code == 0, made.output
        assert [row["name"] for row in listed(tmp_path, **environment)] == ["alice"]


def test_token_in_a_database_without_tables_is_refused_with_what_to_do(
    tmp_path: Path, postgresql: PostgresqlServer
) -> None:
    with postgresql.bare_database() as name:
        environment = {"LONGWIRE_SERVER_STORE_URL": postgresql.url(name)}
        found = command(tmp_path, "create", "--name", "alice", **environment)
    assert found.exit_code == 1
    assert "longwire-server migrate" in found.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["create", "--name", ""], "name: write 1 to 128 characters"),
        (["create", "--name", "a", "--tenant", "a b"], "cannot be the name of a tenant"),
        (["create", "--name", "a", "--role", "root"], "write one of user, operator, admin"),
        (["create", "--name", "a", "--scope", "all"], "write one of read, submit, manage"),
        (["create", "--name", "a", "--scope", "manage"], "has nothing to manage"),
        (["revoke", "0123456789abcdef"], "no token has the id '0123456789abcdef'"),
    ],
    ids=["name", "tenant", "role", "scope", "scope of a user", "unknown id"],
)
def test_mistake_on_the_command_line_is_told(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    found = command(tmp_path, *arguments)
    assert found.exit_code == 1
    assert message in found.stderr
