"""Generates faults: the rules of `faults/operators.toml`, each over every place that its operator finds."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.config.decode import decode, nearest
from harness.config.targets import read_toml
from harness.faults.operators import OPERATORS
from harness.faults.operators.site import Operator, Site
from harness.faults.operators.source import Sources
from harness.model.errors import ConfigError
from harness.model.fault import Fault
from harness.model.verdict import Verdict

RULES_FILE = "operators.toml"
_SOURCE, _TEMPLATE, _RULES = "source", "template", "rules"


@dataclass(frozen=True)
class Rule:
    """What one operator's defects are called, who must notice them, and which places cannot show them.

    `equivalent` gives, for a pattern that a site's whole name matches, the reason why the change there alters nothing that
    anybody could see.
    """

    name: str
    title: str
    kind: str
    must: dict[str, Verdict]
    stages: tuple[str, ...]
    may: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    equivalent: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Generator:
    """The rules of a project, and the source that they are applied to."""

    source: str = ""
    template: tuple[str, ...] = ()  # globs of the files that determine what is in a fresh database
    rules: tuple[tuple[Rule, Operator], ...] = ()

    def faults(self, root: Path) -> tuple[Fault, ...]:
        """One fault per rule and site, called `rule@site`.

        Raises:
            ConfigError: a rule finds no place, or names a place as equivalent that does not exist.
        """
        sources = Sources(root, self.source)
        return tuple(fault for rule, operator in self.rules for fault in _faults(rule, operator, sources))


def load_generator(folder: Path) -> Generator:
    """The generator of `operators.toml` in a folder; one without rules where there is no such file.

    Raises:
        ConfigError: naming every key that is wrong.
    """
    path = folder / RULES_FILE
    if not path.is_file():
        return Generator()
    data = read_toml(path)
    where = f"{folder.name}/{RULES_FILE}"
    for key in data:
        if key not in (_SOURCE, _TEMPLATE, _RULES):
            raise ConfigError(f'{where}: unknown key "{key}"', hint=nearest(key, (_SOURCE, _TEMPLATE, _RULES)))
    rules = tuple(_rule(name, table, where) for name, table in data.get(_RULES, {}).items())
    return Generator(data[_SOURCE], tuple(data.get(_TEMPLATE, ())), rules)


def _rule(name: str, table: Mapping[str, Any], where: str) -> tuple[Rule, Operator]:
    chosen = [key for key in table if key in OPERATORS]
    if len(chosen) != 1:
        hint = f"one of {', '.join(OPERATORS)}"
        raise ConfigError(f"{where}: rules.{name}: names {len(chosen)} operators, wanted one", hint=hint)
    plain = {key: value for key, value in table.items() if key != chosen[0]}
    rule = decode(Rule, {"name": name, **plain}, f"{where}: rules.{name}")
    return rule, decode(OPERATORS[chosen[0]], table[chosen[0]], f"{where}: rules.{name}.{chosen[0]}")


def _faults(rule: Rule, operator: Operator, sources: Sources) -> Iterator[Fault]:
    where = f"{RULES_FILE}: rules.{rule.name}"
    sites = list(operator.sites(sources))
    if not sites:
        raise ConfigError(f"{where}: finds no place any more", hint="write its patterns anew for the code as it is now")
    for pattern in rule.equivalent:
        if not any(re.fullmatch(pattern, site.name) for site in sites):
            hint = nearest(pattern, [site.name for site in sites])
            raise ConfigError(f'{where}: equivalent: no place is called "{pattern}"', hint=hint)
    yield from (_fault(rule, site) for site in sites)


def _fault(rule: Rule, site: Site) -> Fault:
    reasons = (reason for pattern, reason in rule.equivalent.items() if re.fullmatch(pattern, site.name))
    return Fault(
        name=f"{rule.name}@{site.name}",
        title=f"{rule.title}: {site.where}",
        kind=rule.kind,
        must=rule.must,
        stages=rule.stages,
        may=rule.may,
        edits=site.edits,
        parts=rule.parts,
        rules=rule.rules,
        operator=rule.name,
        equivalent=next(reasons, ""),
    )


def parses(text: str) -> bool:
    """Whether a planted Python file is still Python: one that is not would be caught by nobody's merit."""
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True
