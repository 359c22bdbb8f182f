"""OpenAPI text to plain data within bounds: a document is input from outside, and may be a bomb.

JSON or YAML 1.2 habits: dates stay text, only `true` and `false` are booleans, keys are text, merge keys (`<<`) are honoured.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

from harness.model.errors import PreflightError

TEXT_BYTES_MAX = 20 * 1024 * 1024  # the largest public documents (cloud providers) stay under 10 MiB
DEPTH_MAX = 200
NODES_MAX = 2_000_000


class DocumentError(PreflightError):
    """The text is no OpenAPI document, or is too large or too deep to be read safely."""


class _Loader(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):  # type: ignore[misc]
    """YAML with the scalar types of JSON: a date or `on` in a document is text."""


def _resolvers() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    kept: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
    wanted = (
        ("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), "tTfF"),
        ("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), "~nN\0"),
        ("tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), "-+0123456789"),
        (
            "tag:yaml.org,2002:float",
            re.compile(r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]+)?$"),
            "-+.0123456789",
        ),
    )
    for tag, pattern, firsts in wanted:
        for first in firsts:
            kept.setdefault("" if first == "\0" else first, []).append((tag, pattern))
    return kept


_Loader.yaml_implicit_resolvers = _resolvers()


def read_plain(text: str | bytes, name: str = "the document") -> dict[str, Any]:
    """The text as plain data with text keys.

    Raises:
        DocumentError: not JSON or YAML, not a mapping, larger than `TEXT_BYTES_MAX`, deeper than `DEPTH_MAX`.
    """
    decoded = _decoded(text, name)
    try:
        data = _parsed(decoded, name)
        plain = _Plain(name).of(data)
    except RecursionError:
        raise DocumentError(f"{name} is nested too deeply to be read", hint=_HINT) from None
    if not isinstance(plain, dict):
        raise DocumentError(f"{name} is {_kind(plain)}, not a mapping", hint=_HINT)
    return plain


_HINT = "an OpenAPI document is JSON or YAML that begins with openapi: 3.x or swagger: 2.0"


def _decoded(text: str | bytes, name: str) -> str:
    if len(text) > TEXT_BYTES_MAX:
        raise DocumentError(
            f"{name} has {len(text)} bytes, more than {TEXT_BYTES_MAX}", hint="give the part that is to be tested"
        )
    if isinstance(text, str):
        return text.removeprefix("\ufeff")
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError(f"{name} is not UTF-8 text (byte {error.start})", hint=_HINT) from None


def _parsed(text: str, name: str) -> Any:
    if text.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(text)
        except ValueError:
            pass  # flow-style YAML begins so too
    try:
        _check_events(text, name)
        return yaml.load(text, Loader=_Loader)  # a safe loader: the class above derives from it
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}" if mark else ""
        raise DocumentError(f"{name} is neither JSON nor YAML{place}", hint=_HINT) from None


def _check_events(text: str, name: str) -> None:
    """Counts before anything is built: depth and number of nodes."""
    depth = 0
    for nodes, event in enumerate(yaml.parse(text, Loader=_Loader), start=1):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEPTH_MAX or nodes > NODES_MAX:
            raise DocumentError(f"{name} is deeper than {DEPTH_MAX} levels or larger than {NODES_MAX} nodes", hint=_HINT)


def _kind(data: object) -> str:
    return {list: "a list", str: "a text", type(None): "empty"}.get(type(data), f"a {type(data).__name__}")


class _Plain:
    """Makes keys text and applies merge keys; shared parts stay shared, so an alias bomb stays as small as its text."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._done: dict[int, Any] = {}
        self._open: set[int] = set()

    def of(self, data: Any) -> Any:
        if not isinstance(data, dict | list):
            return data
        key = id(data)
        if key in self._done:
            return self._done[key]
        if key in self._open or len(self._open) > DEPTH_MAX:
            raise DocumentError(f"{self._name} contains itself, or is deeper than {DEPTH_MAX} levels", hint=_HINT)
        self._open.add(key)
        plain = self._mapping(data) if isinstance(data, dict) else [self.of(item) for item in data]
        self._open.discard(key)
        self._done[key] = plain
        return plain

    def _mapping(self, data: Mapping[Any, Any]) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        if "<<" in data:
            base = self.of(data["<<"])
            for part in reversed(base if isinstance(base, list) else [base]):
                merged.update(part if isinstance(part, dict) else {})
        merged.update({_key(key): self.of(value) for key, value in data.items() if key != "<<"})
        return merged


def _key(key: object) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)
