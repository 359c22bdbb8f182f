"""Load profiles (`load/profiles/<name>.toml`) and the traffic model that they take their rates from (`load/traffic.toml`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.config.decode import decode, nearest
from harness.config.targets import read_toml
from harness.model.errors import ConfigError
from harness.model.load import Connections, Level, LoadProfile, Phase, Spacing, TrafficModel

LOAD_FOLDER = "load"
# A schedule is held in memory; 5 million arrivals are 100 million bytes, and 100 per second for 14 hours.
ARRIVALS_MAX = 5_000_000


@dataclass(frozen=True)
class PhaseEntry:
    """`[phases.<name>]`: how long at which level of the traffic model."""

    name: str
    level: str
    duration_s: float


@dataclass(frozen=True)
class ProfileFile:
    """A profile as its file says it: phases of its own, or the names of profiles whose phases it runs in order."""

    title: str
    phases: tuple[PhaseEntry, ...] = ()
    profiles: tuple[str, ...] = ()
    spacing: Spacing = Spacing.UNIFORM
    connections: Connections = Connections.OWN
    journey_timeout_s: float = 30.0
    in_flight_max: int = 5000


def load_profile(folder: Path, name: str, *, scale: float = 1.0) -> LoadProfile:
    """The load profile of that name, with `scale` times the traffic.

    Args:
        folder: the `load/` folder of the project.

    Raises:
        ConfigError: there is no such profile, or its file, the traffic model or the scale is wrong.
    """
    traffic = read_traffic(folder)
    file = _read_file(folder, name)
    phases = tuple(_phases(folder, name, file, traffic))
    profile = LoadProfile(name, file.title, phases, file.spacing, file.connections, file.journey_timeout_s, file.in_flight_max)
    _refuse(_shown(name), _problems(profile))
    try:
        scaled = profile.scaled(scale)
    except ValueError as error:
        raise ConfigError(f"load profile {name}: {error}", hint="--scale multiplies the rate of every phase") from None
    if scaled.arrivals > ARRIVALS_MAX:
        raise ConfigError(f"load profile {name}: {scaled.arrivals:,} arrivals, more than {ARRIVALS_MAX:,}", hint="shorten it")
    return scaled


def profile_names(folder: Path) -> tuple[str, ...]:
    """Names of all load profiles, sorted."""
    return tuple(sorted(path.stem for path in (folder / "profiles").glob("*.toml")))


def read_traffic(folder: Path) -> TrafficModel:
    """The traffic model of the project.

    Raises:
        ConfigError: it is missing or wrong.
    """
    if not folder.is_dir():
        raise ConfigError(f"there is no folder {LOAD_FOLDER}", hint="run in the harness's own project, or copy its folders there")
    traffic = decode(TrafficModel, read_toml(folder / "traffic.toml"), f"{LOAD_FOLDER}/traffic.toml")
    wrong = [level for level in traffic.levels if not 0 < level.arrivals_per_s < float("inf")]
    _refuse(
        f"{LOAD_FOLDER}/traffic.toml",
        ((f"levels.{level.name}.arrivals_per_s: got {level.arrivals_per_s:g}, wanted a number above 0", "") for level in wrong),
    )
    return traffic


def _read_file(folder: Path, name: str) -> ProfileFile:
    names = profile_names(folder)
    if name not in names:
        raise ConfigError(f'there is no load profile "{name}"', hint=nearest(name, names))
    return decode(ProfileFile, read_toml(folder / "profiles" / f"{name}.toml"), _shown(name))


def _phases(folder: Path, name: str, file: ProfileFile, traffic: TrafficModel) -> Iterator[Phase]:
    if bool(file.phases) == bool(file.profiles):
        got = "both" if file.phases else "neither"
        raise ConfigError(f"{_shown(name)}: phases, profiles: got {got}, wanted one of them", hint="such as [phases.peak]")
    for entry in file.phases:
        level = _level(traffic, entry, name)
        yield Phase(entry.name, level.name, entry.duration_s, level.arrivals_per_s)
    for included in file.profiles:
        inner = _read_file(folder, included)
        if inner.profiles:
            raise ConfigError(f'{_shown(name)}: profiles: "{included}" names profiles itself', hint="name those that have phases")
        yield from _phases(folder, included, inner, traffic)


def _level(traffic: TrafficModel, entry: PhaseEntry, name: str) -> Level:
    levels = {level.name: level for level in traffic.levels}
    if entry.level not in levels:
        raise ConfigError(
            f'{_shown(name)}: phases.{entry.name}.level: "{entry.level}" is not in {LOAD_FOLDER}/traffic.toml',
            hint=nearest(entry.level, levels),
        )
    return levels[entry.level]


Problem = tuple[str, str]  # what, hint


def _problems(profile: LoadProfile) -> Iterator[Problem]:
    seen: set[str] = set()
    for phase in profile.phases:
        if not 0 < phase.duration_s < float("inf"):
            yield f"phases.{phase.name}.duration_s: got {phase.duration_s:g}, wanted seconds above 0", ""
        elif not phase.arrivals:
            yield f"phases.{phase.name}: {phase.duration_s:g} s at {phase.arrivals_per_s:g}/s is no arrival at all", "lengthen it"
        if phase.name in seen:
            yield f"phases.{phase.name}: is there twice; results are told apart by the phase's name", ""
        seen.add(phase.name)
    if not 0 < profile.journey_timeout_s <= 300:
        yield f"journey_timeout_s: got {profile.journey_timeout_s:g}, wanted seconds above 0 and up to 300", ""
    if profile.in_flight_max < 1:
        yield f"in_flight_max: got {profile.in_flight_max}, wanted at least 1", ""


def _refuse(where: str, problems: Iterator[Problem]) -> None:
    found = list(problems)
    if found:
        hints = dict.fromkeys(hint for _, hint in found if hint)
        raise ConfigError("\n".join(f"{where}: {what}" for what, _ in found), hint="; ".join(hints))


def _shown(name: str) -> str:
    return f"{LOAD_FOLDER}/profiles/{name}.toml"
