"""The parts that checks name are read from the sources, without running anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.ledger.checks import NamedCheck, check_names, scan, unnamed_parts
from harness.ledger.rows import load, part_names
from harness.model.errors import ConfigError

ROOT = Path(__file__).parents[2]
ROWS = load(ROOT / "ledger" / "phase4.toml")

SUITE = """
import pytest
pytestmark = [pytest.mark.proves("1.1.4.a")]

@pytest.mark.proves("1.1.1.a", "1.1.2.a")
def test_one(): ...

class TestMore:
    @pytest.mark.parametrize("n", [pytest.param(1, marks=pytest.mark.proves("1.1.3.a"))])
    async def test_two(self, n): ...
"""


def test_marks_of_functions_classes_parameters_and_modules_are_found(tmp_path: Path):
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "test_it.py").write_text(SUITE)
    assert scan(tmp_path, "suites", needs=["database"]) == (
        NamedCheck("suites/test_it.py", ("1.1.4.a",), ("database",)),
        NamedCheck("suites/test_it.py::test_one", ("1.1.1.a", "1.1.2.a"), ("database",)),
        NamedCheck("suites/test_it.py::TestMore::test_two", ("1.1.3.a",), ("database",)),
    )


def test_a_mark_that_is_not_literal_is_refused_with_its_line(tmp_path: Path):
    (tmp_path / "test_it.py").write_text("import pytest\nPART = '1.1.1.a'\n@pytest.mark.proves(PART)\ndef test_one(): ...\n")
    with pytest.raises(ConfigError, match=r"test_it.py:3: proves\(PART\): wanted the part's id as literal text"):
        scan(tmp_path, ".")


def test_a_file_that_is_not_python_is_refused(tmp_path: Path):
    (tmp_path / "test_it.py").write_text("def test_one(:\n")
    with pytest.raises(ConfigError, match=r"test_it.py: not Python"):
        scan(tmp_path, ".")


def test_an_unknown_part_is_an_error_that_names_the_nearest_one():
    with pytest.raises(ConfigError, match=r't: proves "1.1.1.q", which is no part of the ledger') as caught:
        check_names(ROWS, [NamedCheck("t", ("1.1.1.q",))])
    assert 'did you mean "1.1.1' in caught.value.hint


def test_known_parts_and_live_ones_are_accepted():
    check_names(ROWS, [NamedCheck("t", ("1.1.1.a", "6.1.1.live"))])


def test_parts_that_no_check_names_are_listed():
    every = [part for part in part_names(ROWS) if not part.endswith(".live")]
    assert unnamed_parts(ROWS, []) == tuple(every)
    assert unnamed_parts(ROWS, [NamedCheck("t", tuple(every[1:]))]) == (every[0],)


@pytest.mark.parametrize("folder", ["suites", "e2e"])
def test_every_part_that_our_own_suites_name_exists(folder: str):
    checks = scan(ROOT, folder)
    check_names(ROWS, checks)
    assert all(check.parts for check in checks)
