"""Load profiles and the traffic model: what they say, and that each mistake is named with its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config.load_profiles import load_profile, profile_names, read_traffic
from harness.model.errors import ConfigError
from harness.model.load import Connections, Spacing

PROJECT = Path(__file__).resolve().parents[2] / "load"

TRAFFIC = """
title = "people"
source = "a guess"
[levels.calm]
arrivals_per_s = 2
[levels.wild]
arrivals_per_s = 40.5
"""
CALM = """
title = "calm"
[phases.calm]
level = "calm"
duration_s = 3
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "traffic.toml").write_text(TRAFFIC)
    (tmp_path / "profiles" / "calm.toml").write_text(CALM)
    return tmp_path


def write(folder: Path, name: str, text: str) -> None:
    (folder / "profiles" / f"{name}.toml").write_text(text)


def test_the_full_profile_is_the_phase_4_documents_load_test() -> None:
    full = load_profile(PROJECT, "full")
    assert [(phase.name, phase.duration_s, phase.arrivals_per_s) for phase in full.phases] == [
        ("warmup", 60.0, 10.0),
        ("sustained", 300.0, 50.0),
        ("peak", 120.0, 100.0),
    ]
    assert full.arrivals == 27_600
    assert full.duration_s == 480.0


def test_smoke_is_half_a_minute_at_ten_a_second_evenly() -> None:
    smoke = load_profile(PROJECT, "smoke")
    assert (smoke.arrivals, smoke.duration_s, smoke.spacing) == (300, 30.0, Spacing.UNIFORM)


def test_every_profile_of_the_project_takes_its_rates_from_the_traffic_model() -> None:
    levels = {level.name: level.arrivals_per_s for level in read_traffic(PROJECT).levels}
    assert set(profile_names(PROJECT)) == {"smoke", "warmup", "sustained", "peak", "full"}
    for name in profile_names(PROJECT):
        for phase in load_profile(PROJECT, name).phases:
            assert phase.arrivals_per_s == levels[phase.level]


def test_scale_multiplies_the_rate_and_leaves_the_time(folder: Path) -> None:
    scaled = load_profile(folder, "calm", scale=2.5)
    assert (scaled.phases[0].arrivals_per_s, scaled.phases[0].duration_s, scaled.scale) == (5.0, 3.0, 2.5)
    assert scaled.arrivals == 15


def test_what_a_profile_does_not_say_is_taken_from_the_defaults(folder: Path) -> None:
    calm = load_profile(folder, "calm")
    assert (calm.spacing, calm.connections, calm.journey_timeout_s, calm.in_flight_max) == (
        Spacing.UNIFORM,
        Connections.OWN,
        30.0,
        5000,
    )


def test_a_profile_may_run_the_phases_of_others_in_order_under_its_own_terms(folder: Path) -> None:
    write(folder, "wild", 'title = "w"\n[phases.wild]\nlevel = "wild"\nduration_s = 2\n')
    write(folder, "both", 'title = "b"\nspacing = "poisson"\nprofiles = ["wild", "calm"]\n')
    both = load_profile(folder, "both")
    assert [phase.name for phase in both.phases] == ["wild", "calm"]
    assert both.spacing is Spacing.POISSON
    assert both.arrivals == 81 + 6


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (CALM.replace("level", "lvl"), ["phases.calm.lvl: unknown key", 'did you mean "level"?']),
        (CALM.replace('"calm"\nduration', '"clam"\nduration'), ['"clam" is not in load/traffic.toml', 'did you mean "calm"?']),
        (CALM.replace("3", "0"), ["phases.calm.duration_s: got 0, wanted seconds above 0"]),
        (CALM.replace("3", "-1"), ["phases.calm.duration_s: got -1"]),
        (CALM.replace("3", "inf"), ["phases.calm.duration_s: got inf"]),
        (CALM.replace("3", "0.1"), ["is no arrival at all"]),
        (CALM.replace("3", '"3"'), ["phases.calm.duration_s"]),
        ('title = "empty"\n', ["phases, profiles: got neither"]),
        (CALM.replace('title = "calm"', 'title = "c"\nprofiles = ["calm"]'), ["phases, profiles: got both"]),
        (CALM.replace('title = "calm"', 'title = "c"\nspacing = "random"'), ["spacing", '"uniform"']),
        (CALM.replace('title = "calm"', 'title = "c"\nin_flight_max = 0'), ["in_flight_max: got 0, wanted at least 1"]),
        (CALM.replace('title = "calm"', 'title = "c"\njourney_timeout_s = 0'), ["journey_timeout_s: got 0"]),
        ('title = "t"\nprofiles = ["calm", "calm"]\n', ["phases.calm: is there twice"]),
        ('title = "t"\nprofiles = ["none"]\n', ['there is no load profile "none"']),
        ("title = ", ["is not TOML"]),
    ],
)
def test_a_mistake_in_a_profile_is_named_with_its_key(folder: Path, text: str, words: list[str]) -> None:
    write(folder, "wrong", text)
    with pytest.raises(ConfigError) as raised:
        load_profile(folder, "wrong")
    for word in words:
        assert word in str(raised.value)


def test_a_profile_that_names_profiles_cannot_be_named_itself(folder: Path) -> None:
    write(folder, "outer", 'title = "o"\nprofiles = ["inner"]\n')
    write(folder, "inner", 'title = "i"\nprofiles = ["outer"]\n')
    with pytest.raises(ConfigError, match='"inner" names profiles itself'):
        load_profile(folder, "outer")


def test_an_unknown_profile_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match='did you mean "sustained"'):
        load_profile(PROJECT, "sustaned")


def test_a_phase_at_a_lower_scale_takes_as_long_as_it_needs_to_be_judged() -> None:
    warmup, sustained, peak = load_profile(PROJECT, "full", scale=0.2).phases
    assert (warmup.arrivals_per_s, warmup.duration_s, warmup.arrivals) == (2.0, 120, 240)
    assert (sustained.duration_s, peak.duration_s) == (300, 120)
    short = load_profile(PROJECT, "smoke", scale=0.01).phases[0]
    assert short.duration_s == 300, "ten times, and no more"


@pytest.mark.parametrize("scale", [0.0, -1.0, float("inf"), float("nan"), 1e-9])
def test_a_scale_that_leaves_no_traffic_is_refused(folder: Path, scale: float) -> None:
    with pytest.raises(ConfigError, match="scale"):
        load_profile(folder, "calm", scale=scale)


def test_more_arrivals_than_a_schedule_can_hold_are_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match="more than 5,000,000"):
        load_profile(folder, "calm", scale=1e6)


@pytest.mark.parametrize("rate", ["0", "-3", "nan"])
def test_a_traffic_level_without_traffic_is_refused(folder: Path, rate: str) -> None:
    (folder / "traffic.toml").write_text(TRAFFIC.replace("40.5", rate))
    with pytest.raises(ConfigError, match=r"levels\.wild\.arrivals_per_s"):
        load_profile(folder, "calm")


def test_a_missing_traffic_model_is_named(folder: Path) -> None:
    (folder / "traffic.toml").unlink()
    with pytest.raises(ConfigError, match=r"traffic\.toml: cannot be read"):
        load_profile(folder, "calm")


def test_a_project_without_load_profiles_is_told_where_they_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no folder load") as error:
        read_traffic(tmp_path / "load")
    assert "the harness's own project" in str(error.value)
