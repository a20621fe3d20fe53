"""Which files a worker may open."""

from __future__ import annotations

import glob
import importlib.machinery
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from longwire_server.execution.frames_pb2 import WorkerSettings

# Programs, libraries and what these read. No configuration of a service is among it.
_SYSTEM: Final = (
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/passwd",
    "/etc/group",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/sys/devices/system",
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/meminfo",
    "/proc/self",
    "/proc/stat",
    "/proc/sys/kernel/osrelease",
    "/proc/sys/vm",
    "/proc/version",
)
_SYSTEM_OF_NETWORK: Final = (
    "/etc/ca-certificates",
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/pki/tls",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl",
    "/run/systemd/resolve/stub-resolv.conf",
)
_SYSTEM_OF_PROGRAMS: Final = ("/bin", "/sbin")
_DEVICES: Final = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
# Graphics processors: the devices themselves, and what their drivers look at.
_GPU_DEVICES: Final = ("/dev/nvidia*", "/dev/nvidia-caps/*", "/dev/kfd", "/dev/dri/render*")
_GPU: Final = ("/proc/driver/nvidia*", "/proc/devices", "/sys/module/nvidia*", "/etc/nvidia")
# A directory with more entries is not searched for what must stay hidden.
_MOST_ENTRIES: Final = 10_000


@dataclass
class AllowedPaths:
    """What may be opened; everything else may not."""

    read: list[Path] = field(default_factory=list)
    """Files, and directories with all that is in them."""

    write: list[Path] = field(default_factory=list)
    """The same, to write as well."""

    devices: list[Path] = field(default_factory=list)
    """Device files."""

    names: list[Path] = field(default_factory=list)
    """Directories in which, and below which, names may be listed."""

    executable: bool = False
    """Whether files may also be executed."""

    complaints: list[str] = field(default_factory=list)
    """What could not be kept apart, in words."""

    def add(self, path: Path, hidden: Sequence[Path], into: list[Path]) -> None:
        """Allows a path, but nothing in it that is to be hidden.

        Landlock cannot take back what is allowed: around what is hidden, every entry is
        allowed on its own, and what is put there later is not.
        """
        inside = [each for each in hidden if each.is_relative_to(path)]
        if not inside:
            into.append(path)
            return
        if path in inside:
            self.complaints.append(
                f"{path} is among the paths to read, but belongs to the server alone: it stays "
                "hidden; keep it elsewhere"
            )
            return
        self.names.append(path)
        entries = _entries(path)
        if entries is None:
            self.complaints.append(
                f"{path} cannot be searched for {inside[0]}, which belongs to the server alone: "
                "all of it stays hidden; keep the two apart"
            )
            return
        for entry in entries:
            if entry not in inside:
                self.add(entry, inside, into)


def allowed_paths(settings: WorkerSettings) -> AllowedPaths:
    """What a worker with these settings may open."""
    hidden = [Path(path).resolve() for path in settings.hidden_paths]
    paths = AllowedPaths(executable=settings.subprocesses)
    system = [*_SYSTEM, *_matches(_GPU)]
    system += _SYSTEM_OF_NETWORK if settings.network else ()
    system += _SYSTEM_OF_PROGRAMS if settings.subprocesses else ()
    for path in _resolved([*system, *_libraries(), *_python(), *settings.paths_read]):
        paths.add(path, hidden, paths.read)
    _add_modules(paths, _working_directory(), hidden)
    for path in _resolved(settings.paths_write):
        paths.add(path, hidden, paths.write)
    if settings.private_directory:
        paths.write.append(Path(settings.private_directory).resolve())
    paths.devices += _resolved([*_DEVICES, *_matches(_GPU_DEVICES)])
    return paths


def _python() -> Iterator[str]:
    """Yields the places from which Python imports."""
    yield from (sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix)
    # The first is the working directory: see _add_modules.
    yield from sys.path[1:]
    # Packages that are installed for their development by a finder of their own.
    for name, module in list(sys.modules.items()):
        if name.startswith("__editable___"):
            yield from getattr(module, "MAPPING", {}).values()
            for places in getattr(module, "NAMESPACES", {}).values():
                yield from places


def _working_directory() -> Path | None:
    """Where the server was started, from which modules can be imported by ``-m``."""
    return None if sys.flags.safe_path or not sys.path else Path(sys.path[0]).resolve()


def _add_modules(paths: AllowedPaths, folder: Path | None, hidden: Sequence[Path]) -> None:
    """Allows a directory's modules and packages alone: it may be somebody's home."""
    entries = None if folder is None else _entries(folder)
    if folder is None or entries is None:
        return
    paths.names.append(folder)
    suffixes = tuple(importlib.machinery.all_suffixes())
    for entry in entries:
        if entry.name.endswith(suffixes) or (entry / "__init__.py").exists():
            paths.add(entry, hidden, paths.read)


def _libraries() -> list[str]:
    return [path for path in os.environ.get("LD_LIBRARY_PATH", "").split(":") if path]


def _matches(patterns: Iterable[str]) -> list[str]:
    return [path for pattern in patterns for path in glob.glob(pattern)]  # noqa: PTH207


def _resolved(paths: Iterable[str]) -> list[Path]:
    """The paths that exist, each once, without links."""
    found = (Path(path).resolve() for path in paths if path)
    return sorted({path for path in found if path.exists()})


def _entries(folder: Path) -> list[Path] | None:
    """What is in a directory but links; None where that is too much to tell."""
    try:
        found = [folder / entry.name for entry in os.scandir(folder) if not entry.is_symlink()]
    except OSError:
        return None
    return sorted(found) if len(found) <= _MOST_ENTRIES else None
