"""Finds the gates: every class of this folder that says what a gate must say."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import harness.gates
from harness.gates.view import Gate
from harness.model.errors import HarnessError

_HELPERS = {"view", "registry", "judge", "common"}
_MEMBERS = ("name", "question", "kinds", "minimum", "advice", "judge")


@cache
def gates() -> dict[str, Gate]:
    """Every gate by its name.

    Raises:
        HarnessError: a module holds no gate, or a gate lacks a member; the module and the member are named.
    """
    names = [module.name for module in pkgutil.iter_modules(harness.gates.__path__) if module.name not in _HELPERS]
    found = [_gate_of(name) for name in names]
    return {gate.name: gate for gate in found}


def _gate_of(module_name: str) -> Gate:
    module = importlib.import_module(f"harness.gates.{module_name}")
    classes = [value for key, value in vars(module).items() if key.endswith("Gate") and value.__module__ == module.__name__]
    if len(classes) != 1:
        raise HarnessError(f"{module.__file__}: {len(classes)} classes whose name ends with Gate, wanted one")
    missing = [member for member in _MEMBERS if not hasattr(classes[0], member)]
    if missing:
        raise HarnessError(f"{module.__file__}: {classes[0].__name__} lacks {', '.join(missing)}")
    gate: Gate = classes[0]()
    return gate
