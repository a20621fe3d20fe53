"""Where large payloads are kept: a directory, or a URL of a file system that fsspec knows."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import PurePath
from typing import Any, Final

from longwire_server.config.problems import did_you_mean

_DATA_DIR: Final = "{data_dir}"
_LOCAL: Final = ("file", "local")
# It forgets everything when the server ends.
_FORGETFUL: Final = "memory"


def checked_payloads_url(url: str) -> str:
    """Returns the URL.

    Raises:
        ValueError: payloads cannot be kept there; the message says what to write instead.
    """
    protocol = _protocol(url)
    path = url.rpartition("://")[2]
    if protocol not in _LOCAL:
        _check_other(protocol)
    elif not (path.startswith(_DATA_DIR) or PurePath(path).is_absolute()):
        raise ValueError(
            f"{url!r} is no absolute path; write one, or one that begins with '{_DATA_DIR}', or a "
            "URL such as 's3://bucket/longwire'"
        )
    return url


def checked_payloads_options(options: Mapping[str, Any], url: str | None) -> Mapping[str, Any]:
    """Returns the options of a URL, which is None where it is itself wrong.

    Raises:
        ValueError: there are some, but for a directory, which takes none.
    """
    if options and url is not None and _protocol(url) in _LOCAL:
        raise ValueError(
            f"a directory takes no options ({', '.join(map(repr, options))}); leave them out, or "
            "write the URL of an object store in payloads_url"
        )
    return options


def _protocol(url: str) -> str:
    protocol, separator, _ = url.partition("://")
    return protocol if separator else _LOCAL[0]


def _check_other(protocol: str) -> None:
    # Only where it is needed: it takes a while.
    import fsspec

    known = fsspec.available_protocols()
    if protocol == _FORGETFUL:
        raise ValueError(
            "memory:// forgets everything when the server stops; write a directory, or the URL of "
            "an object store"
        )
    if protocol not in known:
        near = get_close_matches(protocol, known, n=3)
        hint = did_you_mean(protocol, near) if near else "write a directory, or 's3://bucket/name'"
        raise ValueError(f"fsspec, which keeps the payloads, knows no {protocol!r}; {hint}")
    try:
        fsspec.get_filesystem_class(protocol)
    except ImportError as error:
        said = " ".join(str(error).split()) or repr(error)
        raise ValueError(
            f"{protocol}:// needs a Python package that is not installed beside longwire-server: "
            f"{said}"
        ) from error
