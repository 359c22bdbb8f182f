"""An OpenAPI document for ZAP's import: exactly the requests that a scan begins with, each value as an example."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from harness.engines.zap.aims import Aim

_WHOLE = re.compile(r"\{[^{}]+\}")
_TYPES: dict[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}


def import_document(base_url: str, base_path: str, aims: Iterable[Aim]) -> str:
    """The document as JSON. Paths stay templates, so that ZAP attacks the values in them; `base_path` stands before each."""
    paths: dict[str, dict[str, Any]] = {}
    for aim in aims:
        template = _template(aim, base_path)
        paths.setdefault(template, {})[aim.request.method.lower()] = _operation(aim, template)
    document = {"openapi": "3.0.3", "info": {"title": "scan", "version": "1"}, "servers": [{"url": base_url}], "paths": paths}
    return json.dumps(document, indent=1, ensure_ascii=False)


def _template(aim: Aim, base_path: str) -> str:
    """The path as a template; as it was sent where a segment is only in part a parameter (`/{name}.json`), or a page's."""
    if aim.is_page:
        return urlsplit(aim.request.path).path
    template = base_path + aim.operation.partition(" ")[2]
    whole = all(_WHOLE.fullmatch(segment) or "{" not in segment for segment in template.split("/"))
    return template if whole else urlsplit(aim.request.path).path


def _operation(aim: Aim, template: str) -> dict[str, Any]:
    parts = urlsplit(aim.request.path)
    given = zip(template.split("/"), parts.path.split("/"), strict=False)
    parameters = [_parameter(name[1:-1], "path", unquote(value)) for name, value in given if name.startswith("{")]
    parameters += [_parameter(name, "query", value) for name, value in parse_qsl(parts.query, keep_blank_values=True)]
    headers = {name: value for name, value in aim.request.headers.items() if name.lower() != "content-type"}
    parameters += [_parameter(name, "header", value) for name, value in headers.items()]
    made: dict[str, Any] = {"responses": {"200": {"description": "an answer"}}}
    if parameters:
        made["parameters"] = parameters
    if aim.request.body is not None:
        made["requestBody"] = {"required": True, "content": {_media_type(aim): _content(aim.request.body)}}
    return made


def _parameter(name: str, place: str, value: str) -> dict[str, Any]:
    return {"name": name, "in": place, "required": True, "example": value, "schema": {"type": "string", "example": value}}


def _media_type(aim: Aim) -> str:
    declared = next((value for name, value in aim.request.headers.items() if name.lower() == "content-type"), "")
    return declared.split(";")[0].strip() or "application/json"


def _content(body: str) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        value = dict(parse_qsl(body)) or body
    return {"schema": _schema(value), "example": value}


def _schema(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        members = {name: _schema(member) for name, member in value.items() if member is not None}
        return {"type": "object", "properties": members, "example": value}
    if isinstance(value, list):
        return {"type": "array", "items": _schema(value[0]) if value else {"type": "string"}, "example": value}
    return {"type": _TYPES.get(type(value), "string"), "example": value}
