from __future__ import annotations

from pathlib import Path

import pytest

from tests.runner import tiny


@pytest.fixture
def project(tmp_path: Path) -> tiny.TinyProject:
    return tiny.make(tmp_path / "project")
