"""Typed data to JSON and back: one way for every artefact of a run."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from harness.model.errors import EvidenceError

T = TypeVar("T")


def to_plain(value: Any) -> Any:
    """A dataclass as plain JSON values; members in the order in which they are declared.

    Lone surrogates, which a hostile target can put into an answer and UTF-8 cannot hold, become question marks.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {to_plain(str(key)): to_plain(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(member) for member in value]
    if isinstance(value, str | Path):
        return str(value).encode("utf-8", "replace").decode()
    return value


def to_json(value: Any) -> str:
    """JSON text of a dataclass, indented: people read the artefacts too."""
    return json.dumps(to_plain(value), ensure_ascii=False, indent=1) + "\n"


def from_json(cls: type[T], text: str | bytes, *, where: str) -> T:
    """The dataclass that `to_json` wrote.

    Raises:
        EvidenceError: the text is not JSON, or not of that shape; `where` is named.
    """
    try:
        decoded: T = _adapter(cls).validate_json(text)
    except ValidationError as error:
        raise EvidenceError(f"{where}: not a {cls.__name__}: {error}", hint="the file was changed or cut; run again") from error
    return decoded


def from_plain(cls: type[T], data: Any, *, where: str) -> T:
    """The dataclass from parsed JSON; errors as `from_json`."""
    try:
        decoded: T = _adapter(cls).validate_python(data)
    except ValidationError as error:
        raise EvidenceError(f"{where}: not a {cls.__name__}: {error}") from error
    return decoded


_adapters: dict[Any, TypeAdapter[Any]] = {}


def _adapter(cls: Any) -> TypeAdapter[Any]:
    """Making one takes some milliseconds, so each is kept."""
    if cls not in _adapters:
        _adapters[cls] = TypeAdapter(cls)
    return _adapters[cls]
