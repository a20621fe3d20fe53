"""``longwire-server check-config``: what is seen of the machine without a start."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from longwire_server.cli.main import app


def checked(folder: Path, config: str) -> Result:
    path = folder / "longwire-server.toml"
    path.write_text(config)
    return CliRunner().invoke(app, ["check-config", str(path)])


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            '[[backend]]\nname = "a"\nfactory = "no_such_lab.backends:make"\n',
            "longwire-server.toml:3: backend[0].factory: this Python finds no module 'no_such_lab'",
        ),
        (
            '[server]\ndata_dir = "file/data"\n',
            "longwire-server.toml:2: server.data_dir: {folder}/file is no directory",
        ),
        (
            '[audit]\nfile = "file/logs/audit.jsonl"\n',
            "longwire-server.toml:2: audit.file: {folder}/file is no directory",
        ),
        (
            '[http]\naddress = "localhost:8080"\nenvoy = "no/envoy"\n',
            "longwire-server.toml:3: http.envoy: {folder}/no/envoy is no program that can be run",
        ),
    ],
    ids=["factory", "data_dir", "audit", "envoy"],
)
def test_what_cannot_work_on_this_machine_is_named_with_its_line(
    tmp_path: Path, config: str, message: str
) -> None:
    (tmp_path / "file").touch()
    found = checked(tmp_path, config)
    assert (found.exit_code, found.stdout) == (1, "")
    assert message.format(folder=tmp_path) in found.stderr


def test_factory_in_the_directory_where_the_command_runs_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "some_lab.py").write_text("raise AssertionError('it is not imported')")
    monkeypatch.chdir(tmp_path)
    found = checked(tmp_path, '[[backend]]\nname = "a"\nfactory = "some_lab:make"\n')
    assert found.exit_code == 0, found.stderr


def test_postgresql_without_its_driver_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        "longwire_server.config.surroundings.find_spec",
        lambda name: None if name == "psycopg" else find_spec(name),
    )
    found = checked(tmp_path, '[store]\nurl = "postgresql://longwire@localhost/longwire"\n')
    assert found.exit_code == 1
    assert "store.url: PostgreSQL needs the Python package psycopg" in found.stderr


def test_directories_that_serve_will_make_are_told_and_not_made(tmp_path: Path) -> None:
    config = '[server]\ndata_dir = "data"\n[audit]\nfile = "logs/audit.jsonl"\n'
    found = checked(tmp_path, config)
    assert found.exit_code == 0, found.stderr
    assert "correct" in found.stdout
    assert f"note: server.data_dir: serve will make {tmp_path}/data" in found.stderr
    assert f"note: audit.file: serve will make {tmp_path}/logs" in found.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["longwire-server.toml"]
