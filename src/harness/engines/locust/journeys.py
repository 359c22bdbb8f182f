"""Finds and loads journeys: `load/journeys/<name>.py` with a function of that name."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Callable
from pathlib import Path

from harness.config.decode import nearest
from harness.engines.locust.visitor import Visitor
from harness.model.errors import ConfigError

Journey = Callable[[Visitor], None]


def journey_names(folder: Path) -> tuple[str, ...]:
    """Names of all journeys, sorted."""
    return tuple(sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_")))


def check_journey(folder: Path, name: str) -> None:
    """Reads a journey's file without running it.

    Raises:
        ConfigError: there is no such file, it is not Python, or it has no function of its name.
    """
    names = journey_names(folder)
    if name not in names:
        raise ConfigError(f'there is no journey "{name}"', hint=nearest(name, names))
    path = folder / f"{name}.py"
    try:
        module = ast.parse(path.read_text(encoding="utf-8"), str(path))
    except (SyntaxError, ValueError) as error:
        raise ConfigError(f"journey {name}: {error}") from None
    functions = [node.name for node in module.body if isinstance(node, ast.FunctionDef)]
    if name not in functions:
        raise ConfigError(f"journey {name}: its file has no function of that name", hint=f"def {name}(visitor: Visitor) -> None:")


def load_journey(folder: Path, name: str) -> Journey:
    """The function of a journey; its file is run.

    Raises:
        ConfigError: as `check_journey`.
    """
    check_journey(folder, name)
    spec = importlib.util.spec_from_file_location(f"journeys.{name}", folder / f"{name}.py")
    if spec is None or spec.loader is None:
        raise ConfigError(f"journey {name}: its file cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    journey: Journey = getattr(module, name)
    return journey
