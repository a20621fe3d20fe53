"""Generates the code of the protos in gen/, which Python then finds beside this package.

python generate.py
"""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

HERE = Path(__file__).resolve().parent
PROTOS = HERE.parent.parent / "protos"


def main() -> int:
    """Runs protoc; its exit code."""
    output = HERE / "gen"
    package = output / "longwire" / "v1"
    package.mkdir(parents=True, exist_ok=True)
    # Without these, another package of the name longwire would come first.
    for folder in (package.parent, package):
        (folder / "__init__.py").touch()
    sources = sorted(str(path) for path in PROTOS.glob("longwire/v1/*.proto"))
    return int(
        protoc.main(
            [
                "protoc",
                f"--proto_path={PROTOS}",
                f"--proto_path={files('grpc_tools') / '_proto'}",
                f"--python_out={output}",
                f"--grpc_python_out={output}",
                *sources,
            ]
        )
    )


if __name__ == "__main__":
    sys.exit(main())
