"""The page on target files tells every key, and no key that there is not."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from harness.config.targets import read_target
from harness.model.target import Allow, CodeFlow, Commands, Limits, Login, ObjectKind, OperationHint, Role, SignUp, Target, User

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "target.md"
SECTIONS = {
    "## The target": Target,
    "## `[allow]`": Allow,
    "## `[limits]`": Limits,
    "## `[codes.<name>]`": CodeFlow,
    "## `[commands]`": Commands,
    "## `[roles.<name>]`": Role,
    "### `login`": Login,
    "### `users`": User,
    "### `sign_up`": SignUp,
    "## `[[objects]]`": ObjectKind,
    "## `[[operations]]`": OperationHint,
}
OF_OTHER_SECTIONS = {"allow", "limits", "codes", "commands", "roles", "objects", "operations"}


def told(heading: str) -> set[str]:
    """Keys of the table under a heading: the code in its first column."""
    section = PAGE.read_text().split(f"\n{heading}\n")[1].split("\n#")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {key for row in rows for key in re.findall(r"`(\w+)`", row)}


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_key_is_told_and_no_other(heading: str) -> None:
    keys = {field.name for field in dataclasses.fields(SECTIONS[heading])}
    keys -= OF_OTHER_SECTIONS if SECTIONS[heading] is Target else {"name"} if SECTIONS[heading] in (Role, CodeFlow) else set()
    assert told(heading) == keys


def test_the_least_example_is_a_target(tmp_path: Path) -> None:
    example = PAGE.read_text().split("```toml\n")[1].split("```")[0]
    (tmp_path / "shop.toml").write_text(example)
    assert read_target(tmp_path / "shop.toml", environ={}).title == "Shop, staging"
