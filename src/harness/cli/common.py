"""What several verbs need."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.config.project import find_root, load_project
from harness.runner.request import Chosen


def runs_folder(option: str | None) -> Path:
    """The folder of the runs: as asked, else as `harness.toml` says."""
    root = find_root(Path.cwd())
    return (root / (option or load_project(root).defaults.runs)).resolve()


def chosen_of(args: argparse.Namespace) -> Chosen:
    """What the command line chose; options that a verb lacks keep their default."""
    given = {name: value for name, value in vars(args).items() if value is not None and name in Chosen.__dataclass_fields__}
    return Chosen(**{**given, "stages": tuple(given.get("stages", ()))})
