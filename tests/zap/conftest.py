"""One real daemon for all tests that need one; where Java or Maven are missing they are skipped, counted, with the reason."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.engines.zap.daemon import Daemon, opened
from harness.engines.zap.source import installed
from harness.model.errors import EngineError
from tests.zap import assembly


@pytest.fixture(scope="session")
def installation() -> Path:
    """The program of an installed ZAP."""
    if why := assembly.missing():
        pytest.skip(f"no real ZAP: {why}")
    try:
        return assembly.assemble() / "zap.sh"
    except EngineError as error:
        pytest.skip(f"no real ZAP: {error.message}")


@pytest.fixture(scope="session")
def zap(installation: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with opened(installed(installation), tmp_path_factory.mktemp("zap"), memory_mb=512) as daemon:
        yield daemon


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> str:
    """The password of the shop's users, in the environment that its target file reads."""
    made = f"Aa1{secrets.token_hex(8)}"
    monkeypatch.setenv("SHOP_SECRET", made)
    return made


@pytest.fixture
def shared(zap: Daemon, monkeypatch: pytest.MonkeyPatch) -> Daemon:
    """The daemon of all tests, as one that runs already."""
    monkeypatch.setenv("HARNESS_ZAP_ADDRESS", zap.address)
    monkeypatch.setenv("HARNESS_ZAP_KEY", zap.key)
    return zap
