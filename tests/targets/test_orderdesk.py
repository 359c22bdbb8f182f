"""A platform in another language, followed literally from the guide: clean it is left in peace, and what is planted is found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.evidence.stored import StoredRun
from tests.targets.desk import TARGET, Defect, defects, finish, harness, names, start, unavailable

STAGES = ("authorization", "sessions", "database", "security")
PLANTED = tuple(defect for defect in defects() if defect.stage in STAGES and defect.found and not defect.alone)


@dataclass(frozen=True)
class Runs:
    """The clean order desk, and the same with everything planted."""

    clean: StoredRun
    planted: StoredRun
    folder: Path  # of the second


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Both at once: each mostly waits."""
    if why := unavailable():
        pytest.skip(why)
    folders = [tmp_path_factory.mktemp("clean"), tmp_path_factory.mktemp("planted")]
    processes = [start(folders[0], STAGES), start(folders[1], STAGES, tuple(defect.name for defect in PLANTED))]
    clean, planted = (finish(process, folder) for process, folder in zip(processes, folders, strict=True))
    return Runs(clean, planted, folders[1])


def test_the_clean_platform_is_left_in_peace(runs: Runs) -> None:
    assert [f"{finding.rule} {finding.operation}: {finding.observed}" for finding in runs.clean.findings] == []


def test_the_clean_platform_was_looked_at(runs: Runs) -> None:
    assert [stage.state for stage in runs.clean.manifest.stages] == ["ran"] * len(STAGES)


@pytest.mark.parametrize("defect", PLANTED, ids=lambda defect: defect.name)
def test_a_planted_defect_is_found(defect: Defect, runs: Runs) -> None:
    found = names(runs.planted)
    assert found & set(defect.found), f"{defect.what}: not among {sorted(found)}"


@pytest.mark.parametrize(
    ("planted", "said"), [(("owner-read",), "FAIL: the defect is still there"), ((), "PASS: the defect does not show")]
)
def test_a_finding_about_an_object_that_the_harness_made_is_replayed_with_one_like_it(
    runs: Runs, planted: tuple[str, ...], said: str
) -> None:
    rule, operation = "authorization.read-of-another", "GET /orders/{order_id}"
    finding = next(found for found in runs.planted.findings if (found.rule, found.operation) == (rule, operation))
    arguments = ("replay", finding.fingerprint, "--target", str(TARGET))
    output, _ = harness(runs.folder, *arguments, planted=planted).communicate(timeout=120)
    assert said in output
