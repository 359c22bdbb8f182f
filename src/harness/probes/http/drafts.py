"""From an operation and values to a request that can be sent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode

from harness.model.finding import Request
from harness.probes.http.values import Values
from harness.probes.http.xml_bodies import ROOT, is_xml, root_of, xml_of
from harness.probes.openapi.operations import Body, Operation, Parameter
from harness.probes.openapi.schemas import SchemaError

CHOICES_TRIED_MAX = 3
_BOUNDARY = "harness-part-2f1c"
_ANY_TEXT = "surrogatepass"  # hostile input may be no valid text; it is sent all the same


@dataclass(frozen=True)
class Draft:
    """One request in its parts, by names of the document's parameters. `base_path` stands before the operation's path."""

    operation: Operation
    base_path: str = ""
    path: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    media_type: str = ""
    root: str = ROOT  # the outermost element of a body in XML

    def with_body(self, body: Any) -> Draft:
        """The same with another body."""
        return replace(self, body=body)

    def with_value(self, parameter: Parameter, value: Any) -> Draft:
        """The same with another value of one parameter."""
        if parameter.where == "path":
            return replace(self, path={**self.path, parameter.name: value})
        if parameter.where == "query":
            return replace(self, query={**self.query, parameter.name: value})
        return replace(self, headers={**self.headers, parameter.name: text_of(value)})

    def request(self, role: str = "", user: str = "") -> Request:
        """The request, to be sent as that user."""
        headers = dict(self.headers)
        content = None
        if self.media_type and self.body is not None:
            content, content_type = encoded(self.body, self.media_type, self.root)
            headers["Content-Type"] = content_type
        return Request(self.operation.method, self._target(), role, user, headers, content)

    def _target(self) -> str:
        path = self.base_path + self.operation.path
        for name, value in self.path.items():
            path = path.replace("{" + name + "}", quote(text_of(value), safe="", errors=_ANY_TEXT))
        pairs = [
            (name, text_of(item))
            for name, value in self.query.items()
            for item in (value if isinstance(value, list) else [value])
        ]
        return f"{path}?{_pairs(pairs)}" if pairs else path


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    return urlencode(list(pairs), errors=_ANY_TEXT)


def text_of(value: Any) -> str:
    """A value as it stands in a path, a query or a header."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    if isinstance(value, list):
        return ",".join(text_of(item) for item in value)
    return json.dumps(value, separators=(",", ":")) if isinstance(value, dict) else str(value)


def encoded(body: Any, media_type: str, root: str = ROOT) -> tuple[str, str]:
    """A body as text, and its content type.

    Args:
        root: the outermost element of one in XML.

    Raises:
        SchemaError: the media type is none that can be written here.
    """
    essence = media_type.split(";")[0].strip().lower()
    if essence == "application/x-www-form-urlencoded":
        return _pairs((name, text_of(value)) for name, value in _members(body).items()), essence
    if essence.startswith("multipart/"):
        return _multipart(_members(body)), f"multipart/form-data; boundary={_BOUNDARY}"
    if essence in ("application/json", "text/json", "*/*") or essence.endswith("+json"):
        return json.dumps(body, ensure_ascii=False), "application/json" if essence == "*/*" else media_type
    if is_xml(essence) and not isinstance(body, str):
        return xml_of(body, root, text_of), media_type
    if essence.startswith("text/") or isinstance(body, str):
        return text_of(body), media_type
    raise SchemaError(f"a body of type {media_type} cannot be written")


def _members(body: Any) -> Mapping[str, Any]:
    return body if isinstance(body, Mapping) else {"value": body}


def _multipart(members: Mapping[str, Any]) -> str:
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{_file_name(value)}\r\n\r\n{_part(value)}\r\n'
        for name, value in members.items()
    ]
    return "".join(parts) + f"--{_BOUNDARY}--\r\n"


@dataclass(frozen=True)
class File:
    """A file in a multipart body."""

    name: str
    content: str
    media_type: str = "text/plain"


def _file_name(value: Any) -> str:
    return f'; filename="{value.name}"\r\nContent-Type: {value.media_type}' if isinstance(value, File) else ""


def _part(value: Any) -> str:
    return value.content if isinstance(value, File) else text_of(value)


@dataclass(frozen=True)
class Drafter:
    """Makes drafts of one document's operations. `known` holds values for parameters by name (ids found in the target)."""

    values: Values
    base_path: str = ""
    known: Mapping[str, Any] = field(default_factory=dict)

    def draft(self, operation: Operation, *, optional: bool = False, given: Mapping[str, Any] | None = None) -> Draft:
        """A valid request without body: required parameters, and with `optional` those that may be left out.

        Args:
            given: values by parameter name, before all others.

        Raises:
            SchemaError: a required parameter has no value that could be made.
        """
        draft = Draft(operation, self.base_path)
        for parameter in operation.parameters:
            named = parameter.name in (given or {})
            if not (parameter.required or named or optional) or parameter.name.lower() in _SENT_ELSEWHERE:
                continue
            draft = draft.with_value(parameter, self._value(operation, parameter, given or {}))
        body = operation.body
        return replace(draft, media_type=body.media_type, root=root_of(self.values.schemas, body.schema)) if body else draft

    def bodies(self, operation: Operation, salt: str = "", *, otherwise: bool = False) -> list[Any]:
        """Bodies worth trying: the document's examples, all members, the required ones, else single ones. [None] without a body.

        Args:
            otherwise: other choices too, where a member has a list of them.

        Raises:
            SchemaError: a body is demanded and none could be made.
        """
        body = operation.body
        if body is None:
            return [None]
        made: list[Any] = list(body.examples)
        reason = ""
        for optional in (True, False):
            try:
                made.append(self.values.value(body.schema, f"{operation.name} body{salt}", optional=optional))
            except SchemaError as error:
                reason = error.message
        if not made:
            raise SchemaError(f"no body could be made: {reason}")
        choices = list(self._otherwise(body, made[-1])) if otherwise else []
        return _distinct([*_with_single_members(operation, made), *choices]) + ([] if body.required else [None])

    def _otherwise(self, body: Body, made: Any) -> Iterator[Any]:
        """The body with other values of the first member that has a list of them, the last first: not all are everybody's."""
        try:
            members = self.values.schemas.resolve(body.schema).get("properties")
        except SchemaError:
            return
        for name, schema in members.items() if isinstance(members, Mapping) and isinstance(made, dict) else ():
            try:
                listed = self.values.schemas.resolve(schema).get("enum") if name in made else None
            except SchemaError:
                continue
            if isinstance(listed, list) and len(listed) > 1:
                others = [value for value in reversed(listed) if value not in (made[name], None)]
                yield from ({**made, name: value} for value in others[:CHOICES_TRIED_MAX])
                return

    def _value(self, operation: Operation, parameter: Parameter, given: Mapping[str, Any]) -> Any:
        for source in (given, self.known):
            if parameter.name in source:
                return source[parameter.name]
        if parameter.examples:
            return parameter.examples[0]
        place = f"{operation.name} {parameter.name}"
        return self.values.value(parameter.schema, place, together=operation.name, is_read=operation.is_safe)


_SENT_ELSEWHERE = frozenset({"authorization", "cookie", "content-type", "accept", "content-length"})


def _with_single_members(operation: Operation, bodies: list[Any]) -> list[Any]:
    """The bodies, with the first members one by one where none is demanded: a change of nothing may be refused."""
    full = next((body for body in reversed(bodies) if isinstance(body, dict) and body), None)
    if full is None or {} not in bodies:
        return bodies
    singles = [{name: full[name]} for name in full][:CHOICES_TRIED_MAX]
    if operation.method == "POST":
        return [*bodies, *singles]
    return [*(body for body in bodies if body != {}), *singles, {}]


def _distinct(items: list[Any]) -> list[Any]:
    return [item for number, item in enumerate(items) if item not in items[:number]]


def body_schema(body: Body | None) -> Mapping[str, Any]:
    """The schema of a body, `{}` without one."""
    return body.schema if body else {}
