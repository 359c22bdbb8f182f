"""The workflows are valid, pinned and hold no more rights than they need; said by two linters, without a network."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from harness.config.project import load_project
from harness.engines.zap.profiles import profile_names
from harness.engines.zap.source import IMAGE

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
_PINNED = re.compile(r"[\w./-]+@[0-9a-f]{40}")


def lint(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name(program)), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)


def test_actionlint_finds_nothing() -> None:
    done = lint("actionlint", "-shellcheck=", "-pyflakes=", *(str(path) for path in WORKFLOWS))
    assert done.returncode == 0, done.stdout


def test_zizmor_finds_nothing() -> None:
    done = lint("zizmor", "--offline", "--no-progress", ".github/workflows")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_workflow_that_is_not_pinned_is_found(tmp_path: Path) -> None:
    """Both linters see what they are here for."""
    broken = (
        WORKFLOWS[0]
        .read_text(encoding="utf-8")
        .replace("actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683", "actions/checkout@v4")
    )
    folder = tmp_path / ".github/workflows"
    folder.mkdir(parents=True)
    (folder / "x.yml").write_text(broken.replace("runs-on:", "runs-at:"), encoding="utf-8")
    assert lint("zizmor", "--offline", "--no-progress", str(folder)).returncode != 0
    assert lint("actionlint", "-shellcheck=", "-pyflakes=", str(folder / "x.yml")).returncode != 0


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_commit_and_every_job_has_an_end(path: Path) -> None:
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    for job in jobs.values():
        assert job["timeout-minutes"] <= 90
        for step in job["steps"]:
            assert "uses" not in step or _PINNED.fullmatch(step["uses"]), step["uses"]


def test_the_security_workflow_pulls_the_image_that_the_harness_looks_for_and_runs_scan_profiles_that_exist() -> None:
    text = (ROOT / ".github/workflows/security.yml").read_text(encoding="utf-8")
    assert yaml.safe_load(text)["env"]["ZAP_IMAGE"] == IMAGE
    named = re.search(r"'pull_request' && '(\w+)' \|\| '(\w+)'", text)
    assert named is not None
    assert set(named.groups()) <= set(profile_names(ROOT))
    assert "zap" in load_project(ROOT).plan("security").stages
