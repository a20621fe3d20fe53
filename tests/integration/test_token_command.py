"""``longwire-server token``."""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path

import pytest
from api_tokens import make_token, sqlite_url
from postgresql_server import PostgresqlServer
from server_process import configured_server
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


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data directory with a store of which no server has made use yet."""
    made = CliRunner().invoke(app, ["migrate", "--data-dir", str(tmp_path / "data")])
    assert made.exit_code == 0, made.output
    return tmp_path / "data"


def test_token_is_made_listed_and_revoked_before_the_first_start(data_dir: Path) -> None:
    made = command(
        data_dir, "create", "--name", "alice", "--tenant", "physics", "--role", "operator",
        "--scope", "read", "--scope", "manage", "--backend", "one", "--expires-days", "30",
    )  # fmt: skip
    assert made.exit_code == 0, made.output
    assert made.stderr == f"written to {data_dir / 'longwire.db'}\n"
    parsed = parse_token(made.stdout.strip())
    assert parsed is not None
    [row] = listed(data_dir)
    assert row["token_id"] == parsed[0]
    assert parsed[1] not in str(row)
    facts = {"name": "alice", "tenant": "physics", "role": "operator", "backends": "one"}
    assert facts.items() <= row.items()
    assert (row["scopes"], row["state"]) == ("read manage", "good")
    done = command(data_dir, "revoke", parsed[0])
    assert done.stdout == f"{parsed[0]} (alice) is revoked\n"
    assert listed(data_dir)[0]["state"] == "revoked"
    table = command(data_dir, "list").stdout.splitlines()
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


def test_whole_token_is_revoked_by_its_id_and_not_shown(data_dir: Path) -> None:
    text = command(data_dir, "create", "--name", "alice").stdout.strip()
    token_id, secret = text.split("_", 2)[1:]
    done = command(data_dir, "revoke", text)
    assert done.stdout == f"{token_id} (alice) is revoked\n"
    unknown = command(data_dir, "revoke", f"lw_0123456789abcdef_{secret}")
    assert unknown.exit_code == 1
    assert "no token has the id '0123456789abcdef'" in unknown.stderr
    assert secret not in done.output + unknown.output


@pytest.mark.parametrize("words", [["create", "--name", "a"], ["list"], ["revoke", "0" * 16]])
def test_command_that_finds_no_store_makes_none_and_says_where_it_looked(
    tmp_path: Path, words: list[str]
) -> None:
    data_dir = tmp_path / "elsewhere"
    found = command(data_dir, *words)
    assert (found.exit_code, found.stdout) == (1, "")
    assert f"there is no store at {data_dir / 'longwire.db'}" in found.stderr
    assert "--config FILE" in found.stderr
    assert "--data-dir FOLDER" in found.stderr
    assert not data_dir.exists()


def test_changes_are_recorded_in_the_audit_log_of_the_configuration(tmp_path: Path) -> None:
    config = tmp_path / "longwire-server.toml"
    config.write_text('[server]\ndata_dir = "data"\n[auth]\nrequired = true\n')
    named = {"LONGWIRE_SERVER_CONFIG": str(config)}
    assert CliRunner().invoke(app, ["migrate"], env=named).exit_code == 0
    words = ["token", "create", "--name", "alice", "--tenant", "physics"]
    text = CliRunner().invoke(app, words, env=named).stdout.strip()
    token_id = text.split("_")[1]
    CliRunner().invoke(app, ["token", "revoke", token_id], env=named)
    CliRunner().invoke(app, ["token", "revoke", "0" * 16], env=named)
    CliRunner().invoke(app, ["token", "list"], env=named)
    CliRunner().invoke(app, ["tenant", "set", "physics", "--weight", "2"], env=named)
    log = (tmp_path / "data" / "audit.jsonl").read_text()
    assert text.split("_", 2)[2] not in log
    records = [json.loads(line) for line in log.splitlines()]
    about = [(r["method"], r.get("about_token_id"), r["about_tenant"]) for r in records]
    assert about == [
        ("longwire-server token create", token_id, "physics"),
        ("longwire-server token revoke", token_id, "physics"),
        ("longwire-server tenant set", None, "physics"),
    ]
    user = pwd.getpwuid(os.getuid()).pw_name
    assert {record["subject"] for record in records} == {f"local:{user}"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_audit_log_that_root_begins_is_that_of_the_servers_user(tmp_path: Path) -> None:
    config = tmp_path / "longwire-server.toml"
    config.write_text('[server]\ndata_dir = "data"\n[auth]\nrequired = true\n')
    named = {"LONGWIRE_SERVER_CONFIG": str(config)}
    CliRunner().invoke(app, ["migrate"], env=named)
    os.chown(tmp_path / "data", 4711, 4712)
    assert CliRunner().invoke(app, ["token", "create", "--name", "a"], env=named).exit_code == 0
    found = (tmp_path / "data" / "audit.jsonl").stat()
    assert (found.st_uid, found.st_gid) == (4711, 4712)


def test_server_at_which_nobody_can_log_in_says_so_and_what_makes_a_token(tmp_path: Path) -> None:
    config = """
[auth]
required = true

[[pool]]
name = "default"
processes = 1

[[backend]]
name = "basic_simulator"
"""
    for is_told in (True, False):
        with configured_server(tmp_path, config) as server:
            assert ("nobody can log in" in server.log()) is is_told
            assert server.terminate() == 0
        server.log_path.unlink()
        make_token(sqlite_url(tmp_path))


def test_change_that_cannot_be_recorded_is_not_made(tmp_path: Path) -> None:
    config = tmp_path / "longwire-server.toml"
    (tmp_path / "audit").mkdir()
    config.write_text('[server]\ndata_dir = "data"\n[audit]\nfile = "audit"\n')
    named = {"LONGWIRE_SERVER_CONFIG": str(config)}
    CliRunner().invoke(app, ["migrate"], env=named)
    refused = CliRunner().invoke(app, ["token", "create", "--name", "alice"], env=named)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "cannot write the audit log" in refused.stderr
    assert listed(tmp_path / "data") == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["create", "--name", ""], "name: write 1 to 128 characters"),
        (["create", "--name", "a", "--tenant", "a b"], "cannot be the name of a tenant"),
        (["create", "--name", "a", "--role", "root"], "write one of user, operator, admin"),
        (["create", "--name", "a", "--scope", "all"], "write one of read, submit, manage"),
        (
            ["create", "--name", "a", "--scope", "manage"],
            "has nothing to manage; leave out manage, or",
        ),
        (["revoke", "0123456789abcdef"], "no token has the id '0123456789abcdef'"),
    ],
    ids=["name", "tenant", "role", "scope", "scope of a user", "unknown id"],
)
def test_mistake_on_the_command_line_is_told(
    data_dir: Path, arguments: list[str], message: str
) -> None:
    found = command(data_dir, *arguments)
    assert found.exit_code == 1
    assert message in found.stderr
