"""Classes by name: how they are written on the wire, and which a reader takes from it.

Code is never loaded because the wire names it, but for the modules listed here,
which are Qiskit's own and those of its companions. A class of another module is
taken only where this process has loaded it already, and then no code of it runs.
"""

from __future__ import annotations

import re
import sys
from importlib import import_module

__all__ = ["class_path", "find_class", "find_loaded_class"]

# Where classes have their public names; the first that has one names it.
_PUBLIC_MODULES = (
    "qiskit.circuit.library.standard_gates",
    "qiskit.circuit.library",
    "qiskit.circuit",
    "qiskit.quantum_info",
    "qiskit.transpiler",
    "qiskit.providers",
    "qiskit_aer.library",
    "qiskit_aer.noise",
)
# Packages whose modules are imported where the wire names them.
_PACKAGES = (
    "qiskit.circuit",
    "qiskit.quantum_info",
    "qiskit.transpiler",
    "qiskit.providers",
    "qiskit_aer.backends.name_mapping",
    "qiskit_aer.library",
    "qiskit_aer.noise",
    "qiskit_ibm_runtime.circuit",
    "qiskit_ibm_runtime.ibm_qubit_properties",
)
_PATH = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*)")


def class_path(cls: type) -> str:
    """The class as ``module:name``: by its public module where it has one."""
    for name in _PUBLIC_MODULES:
        if getattr(sys.modules.get(name), cls.__name__, None) is cls:
            return f"{name}:{cls.__name__}"
    return f"{cls.__module__}:{cls.__qualname__}"


def find_class(path: str, *bases: type) -> type | None:
    """The class that a path names, whose constructor may be called.

    Args:
        path: ``module:name``.
        bases: what it must be a subclass of, one of them.

    Returns:
        None where it is of a module that is not imported by name, is not
        installed here, or is no such class.
    """
    match = _PATH.fullmatch(path)
    if match is None or not _is_listed(match[1]):
        return None
    try:
        module = import_module(match[1])
    except ImportError:
        return None
    return _class_in(module, match[2], bases)


def find_loaded_class(path: str, *bases: type) -> type | None:
    """As :func:`find_class`, with the classes of every module that is loaded already.

    They may stand for something, or be what an object without constructor is of;
    calling them would run code that the wire chose.
    """
    match = _PATH.fullmatch(path)
    if match is None or _is_listed(match[1]):
        return find_class(path, *bases)
    return _class_in(sys.modules.get(match[1]), match[2], bases)


def _is_listed(module_name: str) -> bool:
    return any(
        module_name == package or module_name.startswith(f"{package}.") for package in _PACKAGES
    )


def _class_in(module: object, name: str, bases: tuple[type, ...]) -> type | None:
    found = getattr(module, name, None)
    return found if isinstance(found, type) and issubclass(found, bases) else None
