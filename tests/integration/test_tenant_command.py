"""``longwire-server tenant``: shares and quotas, set in the store itself."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from longwire_server.cli.main import app


def tenant(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["tenant", *words, "--data-dir", str(folder)])


def test_what_is_set_for_a_tenant_is_listed_until_it_is_set_to_nothing(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["migrate", "--data-dir", str(tmp_path)]).exit_code == 0
    done = tenant(tmp_path, "set", "physics", "--weight", "3", "--shots", "5000000")
    assert (done.exit_code, done.stdout) == (0, "physics: weight = 3, shots = 5000000\n")
    listed = json.loads(tenant(tmp_path, "list", "--json").stdout)
    assert listed == [{"name": "physics", "weight": 3.0, "shots": 5_000_000}]
    assert tenant(tmp_path, "set", "physics").exit_code == 0
    assert "nothing is set" in tenant(tmp_path, "list").stdout


def test_setting_that_cannot_be_is_refused_in_words(tmp_path: Path) -> None:
    refused = tenant(tmp_path, "set", "a b")
    assert refused.exit_code == 1
    assert "'a b' cannot be the name of a tenant" in refused.stderr
    refused = tenant(tmp_path, "set", "physics", "--weight", "0")
    assert refused.exit_code == 1
    assert "above 0" in refused.stderr


def test_setting_without_a_store_makes_none(tmp_path: Path) -> None:
    refused = tenant(tmp_path / "elsewhere", "set", "physics")
    assert refused.exit_code == 1
    assert "there is no store at" in refused.stderr
    assert not (tmp_path / "elsewhere").exists()


def test_help_of_the_quotas_names_their_section(tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, ["tenant", "set", "--help"], env={"COLUMNS": "120"}).stdout
    assert "As in [quotas]" in shown
