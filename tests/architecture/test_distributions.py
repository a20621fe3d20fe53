"""The two distributions and what pins their surroundings."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import version
from typing import Any

from repository import ROOT

import longwire


def _project(folder: str) -> dict[str, Any]:
    document = tomllib.loads((ROOT / folder / "pyproject.toml").read_text(encoding="utf-8"))
    project: dict[str, Any] = document["project"]
    return project


def _pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    assert all(len(pin) == 2 for pin in pins), "every line is name==version"
    return {_normalized(name): pinned for name, pinned in pins}


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _required_names(requirements: list[str]) -> set[str]:
    names = {re.match(r"[A-Za-z0-9._-]+", requirement) for requirement in requirements}
    return {_normalized(name.group()) for name in names if name}


def test_both_distributions_have_one_version() -> None:
    client, server = _project("client"), _project("server")
    assert client["version"] == server["version"] == longwire.__version__
    assert version("longwire") == version("longwire-server") == longwire.__version__
    assert f"longwire=={client['version']}" in server["dependencies"]


def test_changelog_has_a_section_for_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{longwire.__version__}]" in changelog


def test_licence_is_the_same_in_both_distributions() -> None:
    licences = {
        (ROOT / folder / "LICENSE").read_text(encoding="utf-8")
        for folder in (".", "client", "server")
    }
    assert len(licences) == 1
    assert "Apache License" in licences.pop()


def test_constraints_pin_every_requirement() -> None:
    workspace = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    required = _required_names(
        [item for item in workspace["dependency-groups"]["dev"] if isinstance(item, str)]
    )
    for folder in ("client", "server"):
        project = _project(folder)
        required |= _required_names(project["dependencies"])
        for extra in project["optional-dependencies"].values():
            required |= _required_names(extra)
    assert required - {"longwire"} - _pins().keys() == set()


def test_constraints_name_no_place_to_fetch_from() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert "://" not in text
    assert "--" not in text


def test_constraints_pin_all_of_grpc_to_one_version() -> None:
    versions = {pinned for name, pinned in _pins().items() if name.startswith("grpcio")}
    assert len(versions) == 1


def test_dependencies_are_explained() -> None:
    explained = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    required = _required_names(
        _project("client")["dependencies"] + _project("server")["dependencies"]
    )
    missing = {name for name in required - {"longwire"} if f"`{name}`" not in explained}
    assert missing == set()
