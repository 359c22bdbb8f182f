"""Plain data of an OpenAPI document (2.0, 3.0, 3.1, 3.2) to `Operation`s. What is broken becomes a `Problem`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast, get_args

from harness.probes.openapi.operations import (
    Body,
    Operation,
    Parameter,
    Place,
    Problem,
    Requirement,
    Response,
    SecurityScheme,
    is_json_type,
)
from harness.probes.openapi.schemas import JsonSchema, SchemaError, Schemas

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
OPERATIONS_MAX = 5_000
_TEMPLATE = re.compile(r"\{([^{}/]+)\}")
_NO_JSON = ("application/json",)  # what Swagger 2 means where it names no media type


@dataclass
class Parsed:
    """What was found in a document, problems included."""

    operations: list[Operation] = field(default_factory=list)
    schemes: dict[str, SecurityScheme] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def parse(data: Mapping[str, Any]) -> Parsed:
    """Reads everything that can be read."""
    return _Parser(data).run()


class _Parser:
    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data
        self._schemas = Schemas(data)
        self._swagger2 = str(data.get("swagger", "")).startswith("2")
        self._parsed = Parsed()

    def run(self) -> Parsed:
        self._read_schemes()
        for path, item in _items(self._data.get("paths")):
            if path.startswith("x-"):
                continue
            for operation in self._path_operations(path, item):
                if len(self._parsed.operations) >= OPERATIONS_MAX:
                    self._problem("paths", f"more than {OPERATIONS_MAX} operations: the rest is not read")
                    return self._parsed
                self._parsed.operations.append(operation)
        return self._parsed

    def _problem(self, where: str, text: str) -> None:
        self._parsed.problems.append(Problem(where, text))

    # -- security schemes

    def _read_schemes(self) -> None:
        components = self._data if self._swagger2 else self._data.get("components")
        table = (
            components.get("securityDefinitions" if self._swagger2 else "securitySchemes")
            if isinstance(components, Mapping)
            else None
        )
        for name, node in _items(table):
            try:
                self._parsed.schemes[name] = _scheme(name, self._schemas.dereference(node))
            except SchemaError as error:
                self._problem(f"security scheme {name}", error.message)

    def _security(self, node: Mapping[str, Any], where: str) -> tuple[tuple[Requirement, ...], bool]:
        declared = node.get("security", self._data.get("security"))
        if not isinstance(declared, list):
            if declared is not None:
                self._problem(where, "security is not a list")
            return (), False
        found = []
        for alternative in declared:
            schemes = {name: _texts(scopes) for name, scopes in _items(alternative)}
            for name in schemes.keys() - self._parsed.schemes.keys():
                self._problem(where, f"security names {name}, which the document does not define")
            found.append(Requirement(schemes))
        return tuple(found), True

    # -- paths

    def _path_operations(self, path: str, item: Any) -> Iterator[Operation]:
        try:
            node = self._schemas.dereference(item)
        except SchemaError as error:
            self._problem(path, error.message)
            return
        if not path.startswith("/"):
            self._problem(path, "a path begins with /")
            return
        for method in METHODS:
            if isinstance(node.get(method), Mapping):
                yield self._operation(method.upper(), path, node[method], node)
            elif method in node:
                self._problem(f"{method.upper()} {path}", "the operation is not a mapping")

    def _operation(self, method: str, path: str, node: Mapping[str, Any], item: Mapping[str, Any]) -> Operation:
        where = f"{method} {path}"
        parameters, swagger_bodies = self._parameters(where, path, item, node)
        security, declared = self._security(node, where)
        return Operation(
            method=method,
            path=path,
            operation_id=str(node.get("operationId", "")),
            summary=str(node.get("summary", "")),
            description=str(node.get("description", "")),
            tags=_texts(node.get("tags")),
            parameters=parameters,
            bodies=swagger_bodies if self._swagger2 else self._bodies(where, node),
            security=security,
            security_declared=declared,
            responses=tuple(self._responses(where, node)),
            deprecated=node.get("deprecated") is True,
            extensions={key: value for key, value in {**item, **node}.items() if key.startswith("x-")},
        )

    # -- parameters

    def _parameters(
        self, where: str, path: str, item: Mapping[str, Any], node: Mapping[str, Any]
    ) -> tuple[tuple[Parameter, ...], tuple[Body, ...]]:
        found: dict[tuple[str, str], Parameter] = {}
        raw_bodies: list[dict[str, Any]] = []
        for number, raw in enumerate([*_list(item.get("parameters")), *_list(node.get("parameters"))], start=1):
            try:
                data = self._schemas.dereference(raw)
                if data.get("in") in ("body", "formData"):
                    raw_bodies.append(data)
                else:
                    parameter = _parameter(data)
                    found[parameter.where, parameter.name] = parameter
            except SchemaError as error:
                self._problem(f"{where} parameter {number}", error.message)
        for name in _TEMPLATE.findall(path):
            if ("path", name) not in found:
                self._problem(where, f"the path names {{{name}}}, which is not declared as a parameter")
                found["path", name] = Parameter(name, "path", True, {"type": "string"}, declared=False)
        shown = set(_TEMPLATE.findall(path))
        kept = tuple(p for p in found.values() if p.where != "path" or p.name in shown)
        return kept, _swagger2_bodies(raw_bodies, _texts(node.get("consumes", self._data.get("consumes"))))

    # -- bodies and answers

    def _bodies(self, where: str, node: Mapping[str, Any]) -> tuple[Body, ...]:
        if "requestBody" not in node:
            return ()
        try:
            data = self._schemas.dereference(node["requestBody"])
        except SchemaError as error:
            self._problem(f"{where} body", error.message)
            return ()
        required = data.get("required") is True
        return tuple(
            Body(media_type, _schema(content.get("schema")), required, _examples(content, self._schemas))
            for media_type, content in _items(data.get("content"))
            if isinstance(content, Mapping)
        )

    def _responses(self, where: str, node: Mapping[str, Any]) -> Iterator[Response]:
        for status, raw in _items(node.get("responses")):
            try:
                data = self._schemas.dereference(raw)
            except SchemaError as error:
                self._problem(f"{where} answer {status}", error.message)
                continue
            content = {kind: part for kind, part in _items(data.get("content")) if isinstance(part, Mapping)}
            schema = next((_schema(part.get("schema")) for kind, part in content.items() if is_json_type(kind)), {})
            if self._swagger2:
                media_types = _texts(node.get("produces", self._data.get("produces"))) or _NO_JSON
                schema = _schema(data.get("schema"))
            else:
                media_types = tuple(content)
            yield Response(str(status), media_types, schema, tuple(name for name, _ in _items(data.get("headers"))))


def _scheme(name: str, data: Mapping[str, Any]) -> SecurityScheme:
    kind = str(data.get("type", ""))
    scheme = str(data.get("scheme", "")).lower()
    if kind == "basic":  # Swagger 2
        kind, scheme = "http", "basic"
    return SecurityScheme(
        name, kind, scheme, str(data.get("in", "")), str(data.get("name", "")), str(data.get("description", ""))
    )


def _parameter(data: Mapping[str, Any]) -> Parameter:
    name, place = data.get("name"), data.get("in")
    if not isinstance(name, str) or place not in get_args(Place):
        raise SchemaError(f"a parameter needs a name and a place, got name {name!r} in {place!r}")
    where = cast(Place, place)
    content = next((part for _, part in _items(data.get("content")) if isinstance(part, Mapping)), None)
    if content is not None:
        schema = _schema(content.get("schema"))
    elif "schema" in data:
        schema = _schema(data["schema"])
    else:  # Swagger 2 writes the schema's keywords beside the name
        schema = {
            key: value
            for key, value in data.items()
            if key not in ("name", "in", "required", "description", "example", "examples")
        }
    return Parameter(
        name,
        where,
        where == "path" or data.get("required") is True,
        schema,
        _examples(data, None),
        description=str(data.get("description") or ""),
    )


def _swagger2_bodies(raw: list[dict[str, Any]], consumes: tuple[str, ...]) -> tuple[Body, ...]:
    whole = next((data for data in raw if data.get("in") == "body"), None)
    if whole is not None:
        media_type = next((kind for kind in consumes if is_json_type(kind)), "application/json")
        return (Body(media_type, _schema(whole.get("schema")), whole.get("required") is True),)
    fields = {str(data.get("name")): data for data in raw}
    if not fields:
        return ()
    has_file = any(data.get("type") == "file" for data in fields.values())
    default = "multipart/form-data" if has_file else "application/x-www-form-urlencoded"
    media_type = next((kind for kind in consumes if "form" in kind), default)
    properties = {
        name: {key: value for key, value in data.items() if key not in ("name", "in", "required")}
        for name, data in fields.items()
    }
    required = [name for name, data in fields.items() if data.get("required") is True]
    return (Body(media_type, {"type": "object", "properties": properties, "required": required}, bool(required)),)


def _examples(data: Mapping[str, Any], schemas: Schemas | None) -> tuple[Any, ...]:
    found = [data["example"]] if "example" in data else []
    for _, raw in _items(data.get("examples")):
        try:
            entry = schemas.dereference(raw) if schemas else raw
        except SchemaError:
            continue  # an example that refers to nothing is no example; the schema still serves
        if isinstance(entry, Mapping) and "value" in entry:
            found.append(entry["value"])
    return tuple(found)


def _schema(node: Any) -> JsonSchema:
    if isinstance(node, Mapping):
        return node
    return {"not": {}} if node is False else {}


def _items(node: Any) -> list[tuple[str, Any]]:
    return [(str(key), value) for key, value in node.items()] if isinstance(node, Mapping) else []


def _list(node: Any) -> list[Any]:
    return node if isinstance(node, list) else []


def _texts(node: Any) -> tuple[str, ...]:
    return tuple(item for item in node if isinstance(item, str)) if isinstance(node, list) else ()
