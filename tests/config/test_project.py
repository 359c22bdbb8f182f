"""`harness.toml`: what the environment replaces, and that what is written can be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config.project import effective_toml, load_project, parse_project
from harness.model.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]


def test_the_environment_replaces_a_default_of_the_file() -> None:
    project = load_project(ROOT, {"HARNESS_SEED": "9", "HARNESS_DATABASE": "embedded", "HARNESS_TARGET": ""})
    assert (project.defaults.seed, project.defaults.database) == (9, "embedded")
    assert project.defaults.target == load_project(ROOT, {}).defaults.target


def test_a_seed_that_is_no_number_is_an_error_that_names_the_variable() -> None:
    with pytest.raises(ConfigError, match="HARNESS_SEED"):
        load_project(ROOT, {"HARNESS_SEED": "nine"})
    with pytest.raises(ConfigError, match=r'HARNESS_DATABASE: there is no "embeded"\nhint: did you mean "embedded"'):
        load_project(ROOT, {"HARNESS_DATABASE": "embeded"})


@pytest.mark.parametrize(("key", "value", "near"), [("database", "dokcer", "docker"), ("severity_min", "hihg", "high")])
def test_a_value_that_is_none_of_those_is_named_with_the_nearest(key: str, value: str, near: str) -> None:
    text = (ROOT / "harness.toml").read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith(f'{key} = "')] or [""]
    changed = text.replace(line, f'{key} = "{value}"') if line else text.replace("[defaults]", f'[defaults]\n{key} = "{value}"')
    with pytest.raises(ConfigError, match=f'{key}.*\n?.*did you mean "{near}"'):
        parse_project(changed, "harness.toml", ROOT)


def test_what_a_run_keeps_of_its_configuration_reads_back_the_same() -> None:
    project = load_project(ROOT, {})
    plan = project.plan("merge")
    again = parse_project(effective_toml(project, plan), "kept", ROOT)
    assert again.plans == (plan,)
    assert (again.stages, again.gates, again.limits) == (project.stages, project.gates, project.limits)


def test_a_plan_that_names_an_unknown_stage_is_an_error_with_the_nearest() -> None:
    text = (ROOT / "harness.toml").read_text(encoding="utf-8").replace('"security", "unit",', '"security", "unti",')
    with pytest.raises(ConfigError, match=r"plans\.merge\.stages") as caught:
        parse_project(text, "harness.toml", ROOT)
    assert 'did you mean "unit"?' in str(caught.value)
