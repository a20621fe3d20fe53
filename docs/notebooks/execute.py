"""Executes the notebooks and keeps their outputs: ``make notebooks``.

What differs from one execution to the next for no reason of the reader's, such as
times, is left out, so that what changes in a notebook is what changes in the diff.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

HERE = Path(__file__).parent
LIMIT_SECONDS = 300


def execute(notebook: nbformat.NotebookNode) -> None:
    """Runs all cells of a notebook in a new kernel and puts their outputs in it.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell fails.
    """
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    # Sockets in a folder of this user's: nobody else on this machine can connect.
    with TemporaryDirectory() as folder:
        kernel = AsyncKernelManager(transport="ipc", ip=f"{folder}/kernel")
        NotebookClient(notebook, km=kernel, timeout=LIMIT_SECONDS, record_timing=False).execute()
    for cell in notebook.cells:
        cell.metadata.clear()
    # Which Python it was is no part of the notebook.
    notebook.metadata["language_info"] = {"name": "python"}


def main() -> None:
    """Executes every notebook of this folder, in place or into another folder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--into", type=Path, default=HERE, help="the folder for the results")
    folder = parser.parse_args().into
    for path in sorted(HERE.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        execute(notebook)
        nbformat.write(notebook, folder / path.name)
        print(f"{path.name}: {len(notebook.cells)} cells")


if __name__ == "__main__":
    main()
