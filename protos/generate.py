"""Generates the Python code of the .proto files, or checks that it is fresh.

    python protos/generate.py           writes the generated files
    python protos/generate.py --check   exits 1 where a committed file differs

The proto path equals the Python package, so no import is rewritten.
"""

from __future__ import annotations

import filecmp
import shutil
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
# (root of the proto files, folder inside it, root of the generated package)
TREES = [
    (ROOT / "protos", "longwire/v1", ROOT / "client/src"),
    (ROOT / "server/src", "longwire_server/execution", ROOT / "server/src"),
]


def generate(proto_root: Path, folder: str, output: Path) -> None:
    """Runs protoc with mypy-protobuf over one folder."""
    output.mkdir(parents=True, exist_ok=True)
    sources = sorted(str(path) for path in (proto_root / folder).glob("*.proto"))
    arguments = [
        "protoc",
        f"--proto_path={proto_root}",
        f"--proto_path={ROOT / 'protos'}",
        f"--proto_path={files('grpc_tools') / '_proto'}",
        f"--plugin=protoc-gen-mypy={Path(sys.executable).with_name('protoc-gen-mypy')}",
        f"--plugin=protoc-gen-mypy_grpc={Path(sys.executable).with_name('protoc-gen-mypy_grpc')}",
        f"--python_out={output}",
        f"--mypy_out=quiet:{output}",
    ]
    services = [source for source in sources if source.endswith("_service.proto")]
    if protoc.main([*arguments, *sources]) != 0:
        raise SystemExit("protoc failed")
    if services:
        grpc_arguments = [
            *arguments[:-2],
            f"--grpc_python_out={output}",
            f"--mypy_grpc_out=quiet:{output}",
        ]
        if protoc.main([*grpc_arguments, *services]) != 0:
            raise SystemExit("protoc failed for the services")


def generated_files(root: Path, folder: str) -> dict[str, Path]:
    """The generated files below ``root/folder``, by name."""
    return {path.name: path for path in (root / folder).glob("*_pb2*.py*")}


def main() -> int:
    """Generates every tree into a scratch folder, then copies or compares."""
    check = sys.argv[1:] == ["--check"]
    stale: list[str] = []
    for proto_root, folder, output in TREES:
        if not list((proto_root / folder).glob("*.proto")):
            continue
        with tempfile.TemporaryDirectory() as scratch:
            generate(proto_root, folder, Path(scratch))
            fresh = generated_files(Path(scratch), folder)
            committed = generated_files(output, folder)
            for name in sorted(fresh.keys() | committed.keys()):
                if name not in fresh:
                    stale.append(f"{folder}/{name} has no .proto any more")
                    if not check:
                        committed[name].unlink()
                elif name not in committed or not filecmp.cmp(
                    fresh[name], committed[name], shallow=False
                ):
                    stale.append(f"{folder}/{name} differs from its .proto")
                    if not check:
                        shutil.copyfile(fresh[name], output / folder / name)
    if check and stale:
        print("\n".join(stale), "run 'make protos' and commit what it writes", sep="\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
