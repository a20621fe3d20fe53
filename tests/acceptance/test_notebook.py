"""The notebooks of the documentation run, and show what they give."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from repository import ROOT, relative
from server_process import running_server

from longwire import RemoteService

FOLDER = ROOT / "docs/notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LIMIT_SECONDS = 280
LARGEST_BYTES = 300_000
MACHINE_PATH = re.compile(r"(?<![\w.~+-])/(?:work|root|home|Users|tmp)/\w")


def _read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def _execute_all(into: Path, **environment: str) -> None:
    """Executes the notebooks in new kernels, in a process that may leave what it likes behind."""
    kept = {name: value for name, value in os.environ.items() if name != "LONGWIRE_ADDRESS"}
    done = subprocess.run(
        [sys.executable, FOLDER / "execute.py", "--into", into],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _outputs(notebook: Any) -> list[Any]:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def _texts(notebook: Any) -> list[str]:
    """What its cells print or return, as text."""
    return [
        output.text if output.output_type == "stream" else output.data.get("text/plain", "")
        for output in _outputs(notebook)
    ]


def test_notebooks_with_servers_of_their_own_show_what_they_give(tmp_path: Path) -> None:
    _execute_all(tmp_path)
    for path in NOTEBOOKS:
        # Where this differs: make notebooks.
        assert _texts(_read(tmp_path / path.name)) == _texts(_read(path))


def test_notebooks_take_the_server_that_they_are_given(tmp_path: Path) -> None:
    with running_server(tmp_path / "server") as server:
        _execute_all(tmp_path, LONGWIRE_ADDRESS=server.address)
        with RemoteService(server.address) as service:
            kinds = {type(job).__name__ for job in service.jobs(limit=None)}
    assert kinds == {"RemoteJob", "RemotePrimitiveJob"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=relative)
def test_notebook_was_executed_from_its_first_cell_to_its_last(path: Path) -> None:
    notebook = _read(path)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = _outputs(notebook)
    assert any("image/png" in output.get("data", {}) for output in outputs)
    # Warnings go to the standard error.
    assert "error" not in {output.output_type for output in outputs}
    assert "stderr" not in {output.get("name") for output in outputs}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=relative)
def test_notebook_is_small_and_names_no_place_of_a_machine(path: Path) -> None:
    assert path.stat().st_size < LARGEST_BYTES
    assert MACHINE_PATH.findall(path.read_text(encoding="utf-8")) == []
