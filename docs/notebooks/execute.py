"""Runs the notebooks beside this and writes their outputs back (`make notebooks`); the tests run them by it too."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = sorted(Path(__file__).parent.glob("*.ipynb"))
LONGEST = 300
"""Seconds that one cell may take."""


def execute(path: Path, folder: Path) -> nbformat.NotebookNode:
    """The notebook with the outputs of a run in `folder`, which should be empty; raises CellExecutionError."""
    notebook = nbformat.read(path, as_version=4)
    # Warnings of libraries name files of this machine; scores and history are to leave nothing outside the folder.
    quiet = {
        "PYTHONWARNINGS": "ignore",
        "KNOWSHIFT_CACHE": str(folder / ".cache"),
        "IPYTHONDIR": str(folder / ".ipython"),
    }
    client = NotebookClient(
        notebook,
        timeout=LONGEST,
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
        extra_arguments=["--log-level=ERROR"],  # it warns that it listens on this machine's loopback
    )
    client.execute(env={**os.environ, **quiet})
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return notebook


def main(paths: list[Path]) -> None:
    for path in paths:
        with tempfile.TemporaryDirectory() as folder:
            done = execute(path, Path(folder))
        nbformat.write(done, path)
        print(f"{path.name}: {path.stat().st_size / 1024:.0f} KB")


if __name__ == "__main__":
    main([Path(given) for given in sys.argv[1:]] or NOTEBOOKS)
