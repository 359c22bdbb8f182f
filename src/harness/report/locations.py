"""Where an operation stands in its OpenAPI document: the line that a code review can point at."""

from __future__ import annotations

from typing import Any

import yaml

METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})


def operation_lines(text: str) -> dict[str, int]:
    """`"GET /api/x/{id}"` → its line from 1, of a document in YAML or JSON. Empty where the text is neither."""
    try:
        root = yaml.compose(text, Loader=yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader)
    except yaml.YAMLError:
        return {}
    found: dict[str, int] = {}
    for path, item in _members(_member(root, "paths")):
        for method, _ in _members(item):
            if method.value.lower() in METHODS:
                found[f"{method.value.upper()} {path.value}"] = method.start_mark.line + 1
    return found


def _members(node: Any) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        return []
    return [(key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)]


def _member(node: Any, name: str) -> yaml.Node | None:
    return next((value for key, value in _members(node) if key.value == name), None)
