"""Scan profiles: the automation plan's template of each, in `security/zap/`, and what it demands."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from harness.config.decode import nearest
from harness.model.errors import ConfigError

FOLDER = Path("security") / "zap"
ACTIVE = "activeScan"
DEFAULT_PROFILE = "full"


@dataclass(frozen=True)
class ScanProfile:
    """One scan profile. `rules` and `passive_rules` are the ids that must run; `jobs` is the plan's list, to be filled in."""

    name: str
    about: str
    minutes_max: float  # all roles together
    passive_rules: tuple[str, ...]
    jobs: tuple[dict[str, Any], ...] = field(repr=False)

    @property
    def is_active(self) -> bool:
        """Whether it attacks."""
        return any(job["type"] == ACTIVE for job in self.jobs)

    @property
    def rules(self) -> dict[str, str]:
        """Active rule that must run → its name."""
        return {
            str(rule["id"]): str(rule.get("name", rule["id"]))
            for job in self.jobs
            if job["type"] == ACTIVE
            for rule in job.get("policyDefinition", {}).get("rules", ())
            if str(rule.get("threshold", "")).lower() != "off"
        }

    def without_attacks(self) -> ScanProfile:
        """The same without its active scan."""
        kept = tuple(copy.deepcopy(job) for job in self.jobs if job["type"] != ACTIVE)
        return ScanProfile(self.name, self.about, self.minutes_max, self.passive_rules, kept)


def profile_names(root: Path) -> list[str]:
    """The scan profiles that have a template."""
    return sorted(path.stem for path in (root / FOLDER).glob("*.yaml"))


def load_scan_profile(root: Path, name: str) -> ScanProfile:
    """The scan profile of that name.

    Raises:
        ConfigError: there is none, naming the nearest; or its template is not what an automation plan is.
    """
    path = root / FOLDER / f"{name}.yaml"
    if not path.is_file() or path.parent != root / FOLDER:
        raise ConfigError(f'there is no scan profile "{name}"', hint=nearest(name, profile_names(root)))
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        ours = data["harness"]
        profile = ScanProfile(
            name=name,
            about=str(ours["about"]),
            minutes_max=float(ours["minutes_max"]),
            passive_rules=tuple(str(rule) for rule in ours.get("passive_rules", ())),
            jobs=tuple({**job, "type": str(job["type"])} for job in data["jobs"]),
        )
        _ = profile.rules
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(
            f"{FOLDER / path.name}: no template of a plan: {type(error).__name__}: {error}",
            hint="baseline.yaml says what each part means",
        ) from error
    return profile
