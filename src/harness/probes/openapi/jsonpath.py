"""The little of JSON paths that target files use: `$.a.b`, `$.items[*].id`, `$.items[0]`, `$['a b']`, `$..id`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from harness.model.errors import ConfigError

_STEP = re.compile(
    r"\.\.(?P<deep>[\w-]+)|\.(?P<name>[\w-]+)|\.?\[(?P<number>\d+)\]|\.?\[(?P<all>\*)\]|\.(?P<star>\*)|\[['\"](?P<quoted>[^'\"]*)['\"]\]"
)
_FOUND_MAX = 10_000
_DEPTH_MAX = 100


def find(data: Any, path: str) -> list[Any]:
    """All values at a JSON path, in order; at most 10,000.

    Raises:
        ConfigError: the path is not one of the forms above.
    """
    steps = list(_steps(path))
    found = [data]
    for kind, name in steps:
        found = [value for node in found for value in _next(node, kind, name)][:_FOUND_MAX]
    return found


def _steps(path: str) -> Iterator[tuple[str, str]]:
    position = 1 if path.startswith("$") else 0
    text = path if position else "$." + path
    position = 1
    while position < len(text):
        step = _STEP.match(text, position)
        if step is None or step.lastgroup is None:
            raise ConfigError(f"{path!r} is not a JSON path that is understood", hint="for example $.items[*].id")
        yield step.lastgroup, step.group(step.lastgroup)
        position = step.end()


def _next(node: Any, kind: str, name: str) -> Iterator[Any]:
    if kind in ("name", "quoted"):
        if isinstance(node, dict) and name in node:
            yield node[name]
    elif kind == "number":
        if isinstance(node, list) and int(name) < len(node):
            yield node[int(name)]
    elif kind in ("all", "star"):
        yield from node if isinstance(node, list) else node.values() if isinstance(node, dict) else ()
    else:
        yield from _deep(node, name, 0)


def _deep(node: Any, name: str, depth: int) -> Iterator[Any]:
    if depth > _DEPTH_MAX:
        return
    if isinstance(node, dict):
        if name in node:
            yield node[name]
        for value in node.values():
            yield from _deep(value, name, depth + 1)
    elif isinstance(node, list):
        for value in node:
            yield from _deep(value, name, depth + 1)
