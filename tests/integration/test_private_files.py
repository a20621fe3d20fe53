"""Who may read what a server keeps: nobody but its own user."""

from __future__ import annotations

import stat
from pathlib import Path

from server_process import running_server
from typer.testing import CliRunner

from longwire_server.cli.main import app


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_server_makes_a_data_directory_that_its_user_alone_may_read(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with running_server(tmp_path / "log", "--data-dir", str(data_dir)):
        assert mode(data_dir) == 0o700
        database = sorted(data_dir.glob("longwire.db*"))
        # With what SQLite puts beside it.
        assert len(database) > 1
        assert {mode(path) for path in database} == {0o600}


def test_store_in_a_directory_that_others_may_read_is_closed_to_them(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with running_server(tmp_path):
        assert mode(tmp_path) == 0o755
        assert {mode(path) for path in tmp_path.glob("longwire.db*")} == {0o600}
        [payloads] = (tmp_path / "payloads").iterdir()
        assert mode(payloads) == 0o700


def test_migrate_makes_a_data_directory_that_its_user_alone_may_read(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    assert CliRunner().invoke(app, ["migrate", "--data-dir", str(data_dir)]).exit_code == 0
    assert mode(data_dir) == 0o700
    assert mode(data_dir / "longwire.db") == 0o600


def test_what_http_takes_is_for_the_servers_user_alone(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    config = tmp_path / "longwire-server.toml"
    config.write_text('[http]\naddress = "localhost:0"\n[[backend]]\nname = "basic_simulator"\n')
    arguments = ("--config", str(config), "--data-dir", str(data_dir))
    with running_server(tmp_path / "log", *arguments):
        assert mode(data_dir) == 0o700
        assert mode(data_dir / "http") == 0o700
        assert mode(data_dir / "http" / "envoy.json") == 0o600
    # Also where somebody has made it for others to read.
    (data_dir / "http").chmod(0o777)
    with running_server(tmp_path / "log", *arguments):
        assert mode(data_dir / "http") == 0o700
