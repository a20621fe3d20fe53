"""The protos as published material: they do not break what was released, and travel alone."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from importlib.resources import files
from pathlib import Path

import pytest
from grpc_tools import protoc
from language_clients import environment, which
from repository import ROOT

PROTOS = ROOT / "protos"


def breaking(folder: Path) -> tuple[int, str]:
    """What buf says of a folder of protos beside those that were released."""
    buf = str(Path(sys.executable).with_name("buf"))
    command = [buf, "breaking", str(folder), "--against", str(PROTOS / "released.binpb")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the protos."""
    folder = tmp_path / "protos"
    shutil.copytree(PROTOS, folder)
    return folder


def replace(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / "longwire/v1" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_contract_does_not_break_what_was_released() -> None:
    assert breaking(PROTOS) == (0, "")


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        ("job.proto", "  string backend_name = 1;\n", "", '"backend_name"'),
        ("job.proto", "string backend_name = 1;", "string backend_name = 99;", '"1"'),
        ("job.proto", "string name = 4;", "bytes name = 4;", '"name"'),
        ("job.proto", "JOB_STATE_QUEUED = 2", "JOB_STATE_WAITING = 2", "JOB_STATE_QUEUED"),
        ("program.proto", "optional uint64 shots = 1;", "uint64 shots = 1;", '"shots"'),
        ("job.proto", 'java_package = "longwire.v1"', 'java_package = "other"', "java_package"),
    ],
    ids=["removed", "renumbered", "retyped", "renamed value", "presence", "option"],
)
def test_change_that_breaks_callers_is_refused(
    copy: Path, file: str, old: str, new: str, complaint: str
) -> None:
    replace(copy, file, old, new)
    code, said = breaking(copy)
    assert code != 0
    assert complaint in said


def test_field_and_value_that_are_added_break_nobody(copy: Path) -> None:
    value, field = "  JOB_STATE_ERROR = 7;", "string session_id = 13;"
    replace(copy, "job.proto", value, f"{value}\n  JOB_STATE_NEW = 8;")
    replace(copy, "job.proto", field, f"{field}\n  bool new = 99;")
    assert breaking(copy) == (0, "")


def test_archive_holds_all_that_code_is_generated_from(tmp_path: Path) -> None:
    for folder in ("first", "second"):
        command = [sys.executable, "protos/archive.py", str(tmp_path / folder)]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [path] = (tmp_path / "first").iterdir()
    assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()
    with tarfile.open(path) as archive:
        archive.extractall(tmp_path, filter="data")
    folder = tmp_path / path.name.removesuffix(".tar.gz")
    for name in ("LICENSE", "README.md", "buf.yaml", "longwire/v1/service_config.json"):
        assert (folder / name).is_file()
    assert "](../" not in (folder / "README.md").read_text()
    sources = sorted(map(str, folder.glob("longwire/v1/*.proto")))
    assert len(sources) == len(list(PROTOS.glob("longwire/v1/*.proto")))
    output = tmp_path / "set.binpb"
    arguments = ["protoc", f"--proto_path={folder}"]
    arguments += [f"--proto_path={files('grpc_tools') / '_proto'}"]
    assert protoc.main([*arguments, f"--descriptor_set_out={output}", *sources]) == 0


def test_archive_that_is_given_no_folder_says_so() -> None:
    command = [sys.executable, "protos/archive.py"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "give the folder" in done.stderr


def test_generated_code_of_go_is_fresh() -> None:
    if which("go") is None:
        pytest.skip("the generated code of Go is checked by go (the Go toolchain, version 1.26)")
    done = subprocess.run(
        [str(ROOT / "examples/go/generate.sh"), "--check"],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
