"""Arguments of IBM's service and primitives that mean nothing here."""

from __future__ import annotations

import pytest

from longwire import RemoteEstimator, RemoteSampler, RemoteService
from longwire.errors import InvalidArgumentError


@pytest.mark.parametrize("name", ["url", "channel", "instance", "addres"])
def test_service_with_an_argument_of_ibms_is_refused_with_what_it_needs(name: str) -> None:
    with pytest.raises(InvalidArgumentError, match=f"no argument '{name}'.*RemoteService\\('local"):
        RemoteService("localhost:1", **{name: "x"})


@pytest.mark.parametrize("primitive", [RemoteSampler, RemoteEstimator])
def test_primitive_with_another_argument_is_refused_with_what_to_write(
    primitive: type[RemoteSampler | RemoteEstimator],
) -> None:
    own = primitive.__name__
    with pytest.raises(
        InvalidArgumentError, match=rf"'session': write {own}\(backend, options=\.\.\."
    ):
        primitive(session="aer_simulator")


@pytest.mark.parametrize("primitive", [RemoteSampler, RemoteEstimator])
def test_primitive_with_a_backend_and_a_mode_is_refused(
    primitive: type[RemoteSampler | RemoteEstimator],
) -> None:
    with pytest.raises(InvalidArgumentError, match="a mode has its backend"):
        primitive(RemoteService("localhost:1"), mode=RemoteService("localhost:1"))  # type: ignore[arg-type]


@pytest.mark.parametrize("primitive", [RemoteSampler, RemoteEstimator])
def test_primitive_without_a_backend_is_refused(
    primitive: type[RemoteSampler | RemoteEstimator],
) -> None:
    with pytest.raises(InvalidArgumentError, match="needs a backend of a server"):
        primitive()
