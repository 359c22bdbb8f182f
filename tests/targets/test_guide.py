"""The guide to a new target is the order desk's own file, and the order desk's file is the guide's."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from tests.targets.desk import TARGET
from tests.targets.project import ROOT

BLOCKS = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "guides" / "a-new-target.md").read_text(encoding="utf-8"), re.S)
# What the guide leaves to its tables and to the reader.
LEFT_OUT = {"title", "environment", "folder", "hosts", "document", "bookkeeping_tables", "limits", "objects", "codes"}


def missing(part: Any, whole: Any, where: str = "") -> list[str]:
    """Where a part says other than the whole."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return [line for key, value in part.items() for line in missing(value, whole.get(key), f"{where}.{key}")]
    return [] if part == whole else [f"{where}: {part!r} against {whole!r}"]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("\n")[0])
def test_what_the_guide_writes_stands_in_the_file_that_is_verified(block: str) -> None:
    assert missing(tomllib.loads(block), tomllib.loads(TARGET.read_text(encoding="utf-8"))) == []


def test_the_guide_leaves_nothing_out_that_the_file_needs() -> None:
    told = {key for block in BLOCKS for key in tomllib.loads(block)}
    assert set(tomllib.loads(TARGET.read_text(encoding="utf-8"))) - told == LEFT_OUT
