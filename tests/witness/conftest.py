"""One embedded server with the statement record on, for all tests of the witness."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from harness.databases.embedded import EmbeddedServer, open_embedded
from harness.databases.recorded import Recorded
from harness.databases.settings import PLANNED

MakeRecorded = Callable[[str], Recorded]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with open_embedded(tmp_path_factory.mktemp("witness")) as opened:
        yield opened


@pytest.fixture(scope="session")
def recorded(server: EmbeddedServer) -> MakeRecorded:
    """Makes a recorded clone of a template (`""`: an empty database); its target connects with `server.dsn(name)`."""
    numbers = itertools.count(1)

    def make(template: str) -> Recorded:
        name = f"recorded_{next(numbers)}"
        if not template:
            template = f"empty_{name}"
            server.create(template)
            server.freeze(template)
        server.clone(template, name, recorded=True, settings=PLANNED)
        access = server.access
        assert server.log_path is not None
        return Recorded(access.physical(name), access.admin, access.role, access.admin_dsn(name), server.log_path)

    return make
