"""An OpenAPI document as the harness uses it, of any version and however broken: what can be tested is, the rest is named."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness.probes.openapi.operations import (
    Body,
    Operation,
    Parameter,
    Problem,
    Requirement,
    Response,
    SecurityScheme,
)
from harness.probes.openapi.parsing import parse
from harness.probes.openapi.reading import DocumentError, read_plain
from harness.probes.openapi.schemas import Schemas

__all__ = [
    "Body",
    "Document",
    "DocumentError",
    "Operation",
    "Parameter",
    "Problem",
    "Requirement",
    "Response",
    "SecurityScheme",
]


@dataclass(frozen=True)
class Document:
    """The operations of one document, and what in it could not be read.

    `version` is the OpenAPI version ("2.0", "3.1.0"). `base_path` is the path of the first server ("" where it is the root):
    a request goes to base address + `base_path` + the operation's path.
    """

    name: str
    title: str
    version: str
    base_path: str
    operations: tuple[Operation, ...]
    schemes: dict[str, SecurityScheme]
    problems: tuple[Problem, ...]
    data: dict[str, Any] = field(repr=False, compare=False)

    @classmethod
    def load(cls, source: Path | str | bytes, name: str = "") -> Document:
        """Reads a file, or a text (the answer of an address).

        Raises:
            DocumentError: the file cannot be read, or the text is no OpenAPI document.
        """
        if isinstance(source, Path):
            return cls.of(_file(source), name or source.name)
        return cls.of(read_plain(source, name or "the document"), name or "the document")

    @classmethod
    def of(cls, data: dict[str, Any], name: str = "the document") -> Document:
        """A document from plain data.

        Raises:
            DocumentError: it does not say that it is OpenAPI 3 or Swagger 2.
        """
        version = str(data.get("openapi") or data.get("swagger") or "")
        if not version.startswith(("2.", "3.")) and version not in ("2", "3"):
            said = f"says version {version!r}" if version else "has neither `openapi` nor `swagger`"
            raise DocumentError(f"{name} {said}: not an OpenAPI document", hint="OpenAPI 3.0, 3.1 and Swagger 2.0 are read")
        parsed = parse(data)
        info = data.get("info")
        return cls(
            name=name,
            title=str(info.get("title", "")) if isinstance(info, dict) else "",
            version=version,
            base_path=_base_path(data),
            operations=tuple(parsed.operations),
            schemes=parsed.schemes,
            problems=tuple(parsed.problems),
            data=data,
        )

    @cached_property
    def schemas(self) -> Schemas:
        """Resolves the references of this document."""
        return Schemas(self.data)

    @cached_property
    def _by_name(self) -> dict[str, Operation]:
        return {operation.name: operation for operation in self.operations}

    @cached_property
    def _by_bare_name(self) -> dict[str, Operation]:
        return {operation.name.rstrip("/"): operation for operation in self.operations if operation.path.strip("/")}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all operations (`"GET /x"`), in the document's order."""
        return tuple(self._by_name)

    def operation(self, name: str) -> Operation:
        """The operation of that name (`"GET /x"`), with or without a slash at its end; `KeyError` where there is none."""
        method, _, path = name.partition(" ")
        found = self.find(method, path)
        if found is None:
            raise KeyError(name)
        return found

    def find(self, method: str, path: str) -> Operation | None:
        """The operation of a method and a path template, or None; a slash at the end counts only where both are there."""
        name = f"{method.upper()} {path}"
        return self._by_name.get(name) or (self._by_bare_name.get(name.rstrip("/")) if path.strip("/") else None)

    def matching(self, method: str, path: str) -> Operation | None:
        """The operation that a request to a path (without query) is for, or None; a template without parameters goes first."""
        for operation in sorted(self.operations, key=lambda each: each.path.count("{")):
            template = re.sub(r"\\\{[^{}/]+\\\}", "[^/]+", re.escape(operation.path))
            if operation.method == method.upper() and re.fullmatch(f"({re.escape(self.base_path)})?{template}", path):
                return operation
        return None


def _file(path: Path) -> dict[str, Any]:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise DocumentError(f"{path}: {error.strerror or error}", hint="check `document` in the target file") from None
    return read_plain(text, path.name)


def _base_path(data: dict[str, Any]) -> str:
    if "swagger" in data:
        raw = data.get("basePath")
    else:
        servers = data.get("servers")
        first = servers[0] if isinstance(servers, list) and servers else None
        raw = first.get("url") if isinstance(first, dict) else None
    if not isinstance(raw, str) or "{" in raw:
        return ""
    try:
        return urlsplit(raw).path.rstrip("/")
    except ValueError:
        return ""
