"""`harness load PROFILE`: one load profile, judged like the stage of a plan."""

from __future__ import annotations

import argparse
import dataclasses
import sys

from harness.cli.common import chosen_of
from harness.cli.exits import Exit
from harness.cli.verbs.verify import run_and_print
from harness.config.load_profiles import LOAD_FOLDER, load_profile
from harness.engines.locust.run import least_duration_s
from harness.model.errors import ConfigError
from harness.runner.request import RunRequest, request_of

_STAGE = "load"
_PREPARATION_S = 60.0  # database, template, first start of the target


def run(args: argparse.Namespace) -> Exit:
    """Runs the `load` stage of the default plan with the chosen profile and scale, and prints the verdict."""
    chosen = dataclasses.replace(chosen_of(args), stages=(_STAGE,))
    return run_and_print(_with_profile(request_of(chosen, tuple(sys.argv)), args.profile, args.scale))


def _with_profile(request: RunRequest, name: str, scale: float) -> RunRequest:
    """The request with the stage's profile, scale and time replaced; a run that has to be repeated fits in."""
    profile = load_profile(request.root / LOAD_FOLDER, name, scale=scale)
    if not any(stage.name == _STAGE for stage in request.project.stages):
        raise ConfigError(f"harness.toml has no stage {_STAGE}", hint="harness list stages")
    duration_s = 2 * least_duration_s(profile)
    stages = tuple(
        dataclasses.replace(stage, profile=name, scale=scale, duration_s_max=duration_s) if stage.name == _STAGE else stage
        for stage in request.project.stages
    )
    plan = dataclasses.replace(request.plan, duration_s_max=duration_s + _PREPARATION_S)
    return dataclasses.replace(request, project=dataclasses.replace(request.project, stages=stages), plan=plan)
