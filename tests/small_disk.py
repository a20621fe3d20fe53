"""A disk of a few megabytes that a test can fill, empty and make read-only."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

_MIB = 1 << 20
# Mounts, says so, and keeps the namespace until its standard input ends.
_HOLDER = 'mount -t tmpfs -o "size=$2,mode=0755" tmpfs "$1" && echo mounted && exec cat'


class SmallDiskMissingError(Exception):
    """No disk can be mounted here; the message says why."""


class SmallDisk:
    """A file system in memory, mounted in a namespace of its own.

    Only processes that begin with :attr:`prefix` see it at its place; the test itself
    sees it at :meth:`inside`. Whatever else is on the machine is as it was.

    Args:
        mount_point: an existing directory.
        size_mb: how much fits on it, in MiB.

    Raises:
        SmallDiskMissingError: this user or this machine may not mount one.
    """

    def __init__(self, mount_point: Path, *, size_mb: int) -> None:
        for program in ("unshare", "nsenter"):
            if shutil.which(program) is None:
                raise SmallDiskMissingError(f"{program} is not installed (Debian: util-linux)")
        self.mount_point = mount_point
        self._holder = subprocess.Popen(
            ["unshare", "-rm", "sh", "-c", _HOLDER, "sh", mount_point, str(size_mb * _MIB)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != "mounted\n":
            _, said = self._holder.communicate()
            raise SmallDiskMissingError(f"no namespace for mounts is to be had: {said.strip()}")

    @property
    def prefix(self) -> Sequence[str]:
        """What begins the command of a process that is to see the disk."""
        holder = str(self._holder.pid)
        return ["nsenter", "--preserve-credentials", "--user", "--mount", "--target", holder]

    def inside(self, *parts: str) -> Path:
        """The place of a file on the disk for those outside of the namespace."""
        return Path(f"/proc/{self._holder.pid}/root{self.mount_point}", *parts)

    def fill(self) -> None:
        """Leaves no byte free."""
        with contextlib.suppress(OSError), self.inside("filler").open("ab", buffering=0) as filler:
            for size in (_MIB, 4096, 1):
                with contextlib.suppress(OSError):
                    while True:
                        filler.write(bytes(size))

    def free(self) -> None:
        """Gives back what :meth:`fill` took."""
        self.inside("filler").unlink()

    def allow_writing(self, allowed: bool) -> None:
        """Makes it read-only or writable; nobody may have a file on it open to write."""
        mode = "rw" if allowed else "ro"
        subprocess.run(
            [*self.prefix, "mount", "-o", f"remount,{mode}", str(self.mount_point)], check=True
        )

    def copy(self, name: str, to: Path) -> None:
        """Copies the files on it whose names begin with ``name`` to a directory."""
        for path in self.inside().glob(f"{name}*"):
            shutil.copy(path, to)

    def remove(self) -> None:
        """Gives the disk back."""
        self._holder.communicate()


@contextlib.contextmanager
def small_disk(mount_point: Path, *, size_mb: int) -> Iterator[SmallDisk]:
    """A disk that is gone at the end of the block."""
    mount_point.mkdir(parents=True)
    disk = SmallDisk(mount_point, size_mb=size_mb)
    try:
        yield disk
    finally:
        disk.remove()
