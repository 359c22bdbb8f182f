"""The members of a body, those of what it holds too: each with the path of names that leads to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

DEPTH_MAX = 4
Names = tuple[str, ...]
"""The names of members from the outermost on; the first entry of a list is `0` (`("lines", "0", "title")`)."""


def members(node: Any, path: Names = ()) -> Iterator[tuple[Names, Any]]:
    """Every member that holds no others, of a list those of its first entry; a name with a dot is left out."""
    if isinstance(node, dict) and len(path) < DEPTH_MAX:
        for name, value in node.items():
            if isinstance(name, str) and "." not in name:
                yield from members(value, (*path, name))
    elif isinstance(node, list) and node and len(path) < DEPTH_MAX:
        yield from members(node[0], (*path, "0"))
    elif not isinstance(node, dict | list) and path:
        yield path, node


def replaced(node: Any, path: Sequence[str], value: Any) -> Any:
    """The body with another value at the end of a path."""
    if not path:
        return value
    if isinstance(node, list):
        return [replaced(node[0], path[1:], value), *node[1:]]
    return {**node, path[0]: replaced(node.get(path[0]), path[1:], value)}
