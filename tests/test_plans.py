"""The plans are pinned: a stage or gate that leaves one does so in a change that says so here."""

from __future__ import annotations

from pathlib import Path

from harness.config.project import load_project, narrowed
from harness.engines.engine import engines
from harness.gates.registry import gates

PROJECT = load_project(Path(__file__).resolve().parents[1])

MERGE_STAGES = ("contract", "security", "unit", "e2e", "readiness", "database", "authorization", "sessions", "load")
RELEASE_STAGES = (*MERGE_STAGES[:8], "readiness-slow", "load-full")
MERGE_GATES = (
    "tests",
    "coverage",
    "contract",
    "authorization",
    "database",
    "findings",
    "readiness",
    "flows",
    "arrivals",
    "latency",
    "errors",
)


def test_the_merge_plan_has_exactly_these_stages_and_gates() -> None:
    plan = PROJECT.plan("merge")
    assert plan.stages == MERGE_STAGES
    assert plan.gates == MERGE_GATES


def test_the_release_plan_adds_the_slow_checks_and_the_whole_load_to_the_merge_plan() -> None:
    plan = PROJECT.plan("release")
    assert plan.stages == RELEASE_STAGES
    assert plan.gates == MERGE_GATES
    assert (PROJECT.stage("load-full").profile, PROJECT.stage("load-full").scale) == ("full", 0.2)


def test_the_security_plan_has_exactly_these_stages_and_gates_and_scans_with_everything() -> None:
    plan = PROJECT.plan("security")
    assert plan.stages == ("contract", "security", "database", "authorization", "sessions", "zap")
    assert plan.gates == ("tests", "contract", "authorization", "database", "findings")
    assert PROJECT.stage("zap").profile == "full"
    assert "zap" in PROJECT.gates["findings"], "without a whole scan the plan does not pass"


def test_every_readiness_check_runs_in_exactly_one_of_the_two_stages() -> None:
    fast, slow = PROJECT.stage("readiness"), PROJECT.stage("readiness-slow")
    assert fast.suite == slow.suite
    assert fast.marks == f"not {slow.marks}"


def test_every_stage_has_its_engine_and_every_gate_its_class() -> None:
    assert {stage.engine for stage in PROJECT.stages} <= set(engines())
    assert set(PROJECT.gates) == set(gates())


def test_every_required_gate_is_fed_by_a_stage_of_its_plan() -> None:
    for plan in PROJECT.plans:
        for gate in plan.gates:
            assert set(PROJECT.gates[gate]) & set(plan.stages), f"{plan.name}: {gate}"


def test_the_coverage_limits_are_those_of_the_phase_4_document() -> None:
    limits = PROJECT.limits.coverage
    numbers = (
        limits.branches_percent_min,
        limits.functions_percent_min,
        limits.lines_percent_min,
        limits.statements_percent_min,
    )
    assert numbers == (70, 70, 70, 70)


def test_a_part_of_the_stages_is_not_held_to_the_coverage_of_all() -> None:
    assert "coverage" not in narrowed(PROJECT, PROJECT.plan("merge"), ("unit", "contract")).gates
    assert "coverage" in narrowed(PROJECT, PROJECT.plan("merge"), ("unit", "contract", "authorization", "e2e")).gates
