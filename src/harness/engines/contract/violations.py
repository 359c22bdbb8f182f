"""What in a request, as it went over the wire, breaks the rules of the document: a second opinion, and the words of a finding.

Schemathesis knows what it meant to break; frameworks see text. Only what is wrong in the text counts here.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast
from urllib.parse import parse_qsl, unquote

from jsonschema.exceptions import ValidationError

from harness.engines.contract.exchange import Sent
from harness.engines.contract.validating import SchemaChecker, Unjudgeable, member_path
from harness.probes.openapi.document import Body, Document, Operation, Parameter
from harness.probes.openapi.schemas import SchemaError, types_of

_IGNORED_HEADERS = frozenset(("accept", "content-type", "authorization"))  # OpenAPI 3.1, "Parameter Object", `name`
_HTTPS_OWN_HEADERS = re.compile(r"(if-[a-z-]+|range|accept-[a-z-]+|cache-control|user-agent|referer|prefer)")
"""Whatever their schema says, HTTP says how a server reads them: an entity tag that it never gave matches nothing."""


@dataclass(frozen=True)
class Violation:
    """One rule that a request breaks.

    `place` is path, query, header, cookie, body or method; `name` the parameter, or the body's member (`items[].price`);
    `keyword` the rule ("maximum", "required", "undeclared", "unparsable"). `lax` marks what most frameworks accept by habit: a
    number written as text or for a day, a value given twice, null or an empty text for what may be left out, an
    optional parameter of an address that is no number and so is passed over. `text` says it:
    "`limit` is 101, above its maximum of 100".
    """

    place: str
    name: str
    keyword: str
    text: str
    lax: bool = False


@dataclass(frozen=True)
class Judgement:
    """All rules that a request breaks. `certain` is false where a part could not be read or a schema not used.

    `doubtful` says why a server may well refuse a request that breaks none: a whole number written 1.0, a NUL in a text.
    """

    violations: tuple[Violation, ...] = ()
    certain: bool = True
    doubtful: str = ""

    @property
    def strict(self) -> tuple[Violation, ...]:
        """The violations that no framework's habit explains."""
        return tuple(violation for violation in self.violations if not violation.lax)


class RequestJudge:
    """Judges requests by one document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._checker = SchemaChecker(document)

    def judge(self, operation: Operation, sent: Sent) -> Judgement:
        """What a request for the operation breaks."""
        if sent.method.upper() != operation.method:
            return Judgement((Violation("method", sent.method, "undeclared", f"{sent.method} is not declared for this path"),))
        if not sent.is_text:
            return Judgement((Violation("body", "", "unparsable", "the body is no UTF-8 text", lax=True),), certain=False)
        reading = _Reading(self._document, self._checker)
        reading.parameters(operation, sent)
        reading.body(operation, sent)
        return Judgement(tuple(reading.found), reading.certain, reading.doubtful)


class _Reading:
    """One request while it is read."""

    def __init__(self, document: Document, checker: SchemaChecker) -> None:
        self._document, self._checker = document, checker
        self.found: list[Violation] = []
        self.certain = True
        self.doubtful = ""

    # -- parameters

    def parameters(self, operation: Operation, sent: Sent) -> None:
        path, _, query = sent.path.partition("?")
        given = {
            "path": _path_values(self._document.base_path + operation.path, path),
            "query": _lists(parse_qsl(query, keep_blank_values=True)),
            "header": {name.lower(): [value] for name, value in sent.headers.items()},
            "cookie": _cookies(sent.headers),
        }
        if given["path"] is None:
            self.certain = False
        for parameter in operation.parameters:
            name = parameter.name.lower() if parameter.where == "header" else parameter.name
            if parameter.where == "header" and name in _IGNORED_HEADERS:
                continue
            values = (given[parameter.where] or {}).get(name)
            if values is None:
                self._missing(parameter, given)
            else:
                self._parameter(parameter, values)

    def _missing(self, parameter: Parameter, given: Mapping[str, Any]) -> None:
        if parameter.where == "path" and given["path"] is None:
            return
        if parameter.required and not any(key.startswith(f"{parameter.name}[") for key in given["query"]):
            text = f"the required {parameter.where} parameter `{parameter.name}` is missing"
            self.found.append(Violation(parameter.where, parameter.name, "required", text))

    def _parameter(self, parameter: Parameter, values: list[str]) -> None:
        try:
            schema = self._document.schemas.resolve(parameter.schema)
            if "array" in _all_types(self._document, schema) or "object" in _all_types(self._document, schema):
                self.certain = False  # its style decides how it is written; the engine's opinion stands
                return
            read = [self._text(parameter, schema, text) for text in values]
        except (SchemaError, Unjudgeable):
            self.certain = False
            return
        broken = [wrong for wrong in read if wrong is not None]
        if not broken:
            return
        error, text, coercible = broken[0]
        shown = _said(parameter.name, text, error)
        lax = (
            coercible
            or len(values) > 1
            or _is_a_time(error, text)
            or (parameter.where == "query" and not parameter.required and (text == "" or error.validator == "type"))
            or (parameter.where == "header" and _HTTPS_OWN_HEADERS.fullmatch(parameter.name.lower()))
        )
        self.found.append(Violation(parameter.where, parameter.name, str(error.validator), shown, lax=bool(lax)))

    def _text(self, parameter: Parameter, schema: Mapping[str, Any], text: str) -> tuple[ValidationError, str, bool] | None:
        """The error of a text that no reading makes valid, and whether a lenient reading would."""
        readings = list(_readings(text))
        errors = [self._checker.errors(schema, value) for value in readings]
        if any(not found for found in errors):
            self._doubt(parameter, text, [value for value, found in zip(readings, errors, strict=True) if not found])
            return None
        telling = _best(errors, _all_types(self._document, schema), readings)
        lenient = any(not self._checker.errors(schema, value) for value in _lenient(text))
        return telling, text, lenient

    def _doubt(self, parameter: Parameter, text: str, valid: list[Any]) -> None:
        if "\0" in text:
            self.doubtful = f"`{parameter.name}` holds a NUL character"
        elif valid == [None]:
            self.doubtful = f"`{parameter.name}` is null, which an address cannot say"
        elif isinstance(valid[0], float) and valid[0].is_integer():
            self.doubtful = f"the whole number `{parameter.name}` is written with a fraction"

    # -- body

    def body(self, operation: Operation, sent: Sent) -> None:
        if not operation.bodies:
            return
        content_type = next((value for name, value in sent.headers.items() if name.lower() == "content-type"), "")
        declared = next((body for body in operation.bodies if _matches(body.media_type, content_type)), None)
        if sent.body in (None, ""):
            if any(body.required for body in operation.bodies):
                self.found.append(Violation("body", "", "required", "the required body is missing"))
        elif declared is None:
            text = f"the body is sent as {content_type or 'no media type'}, which is not declared"
            self.found.append(Violation("body", "", "undeclared", text, lax=True))
        elif not declared.is_json:
            self.certain = False
            self._form(declared, sent.body or "")
        else:
            self._json_body(declared, sent.body or "")

    def _form(self, body: Body, text: str) -> None:
        """What a form sends for a field that nobody filled in; frameworks take it for a field that is not there."""
        is_form = body.media_type.startswith("application/x-www-form-urlencoded")
        for name, value in parse_qsl(text, keep_blank_values=True) if is_form else ():
            if not value:
                self.found.append(Violation("body", name, "empty", f"`{name}` is an empty field of a form", lax=True))

    def _json_body(self, body: Body, text: str) -> None:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            self.found.append(Violation("body", "", "unparsable", "the body is no JSON"))
            return
        try:
            errors = self._checker.errors(body.schema, value)
        except Unjudgeable:
            self.certain = False
            return
        for error in errors:
            violation = _body_violation(error)
            is_lax = violation.lax or self._stands_for_nothing(body.schema, value, error)
            self.found.append(replace(violation, lax=is_lax))
        if not errors:
            self.doubtful = self.doubtful or _doubt(value)

    def _stands_for_nothing(self, schema: Mapping[str, Any], value: Any, error: ValidationError) -> bool:
        """Whether it is a null in place of a member that may be left out: many frameworks make the same object of both."""
        *above, name = error.absolute_path or [0]
        if error.instance is not None or error.validator not in ("type", "enum") or not isinstance(name, str):
            return False
        without = copy.deepcopy(value)
        holder = without
        for step in above:
            holder = holder[step]
        del holder[name]
        missed = [each for each in self._checker.errors(schema, without) if each.validator == "required"]
        return not any(name in cast(Any, each.validator_value) and each.instance is holder for each in missed)


def _body_violation(error: ValidationError) -> Violation:
    name = member_path(error.absolute_path)
    wanted, schema, instance = cast(Any, error.validator_value), cast(Any, error.schema), cast(Any, error.instance)
    if error.validator == "required":
        missing = next((key for key in wanted if key not in instance), "")
        name = f"{name}.{missing}".lstrip(".")
        return Violation("body", name, "required", f"the required member `{name}` is missing")
    if error.validator in ("additionalProperties", "unevaluatedProperties"):
        known = schema.get("properties", {}) if isinstance(schema, Mapping) else {}
        extra = sorted(key for key in instance if key not in known)
        shown = ", ".join(f"`{_short(key)}`" for key in extra[:2])
        return Violation("body", name, str(error.validator), f"the body holds {shown}, which the schema does not allow")
    lax = (error.validator == "type" and _is_coercible(error)) or error.validator == "format"
    return Violation("body", name, str(error.validator), _said(name or "the body", error.instance, error), lax=lax)


def _is_coercible(error: ValidationError) -> bool:
    """Whether the value is a scalar that, read as text, would be of the type: `"5"` for an integer, `1` for a boolean."""
    wanted, value = error.validator_value, error.instance
    kinds = wanted if isinstance(wanted, list) else [wanted]
    if isinstance(value, dict | list) or value is None:
        return False
    if "string" in kinds:
        return True
    text = str(value).strip().lower()
    if "boolean" in kinds:
        return text in _BOOLEAN_WORDS or text in ("1.0", "0.0")
    return bool(_NUMBER.match(text)) or isinstance(value, bool) or (isinstance(value, float) and "integer" in kinds)


_TIMES = {
    "date": re.compile(r"[-+]?\d+(\.\d+)?|\d{4}-\d\d-\d\d[T _].*"),
    "date-time": re.compile(r"[-+]?\d+(\.\d+)?|\d{4}-\d\d-\d\d([T _].*)?"),
}
"""What readers of these formats take besides: seconds since 1970, a day with a time, a time without a zone."""
_NUMBER = re.compile(r"^[+-]?(\d[\d_]*\.?\d*|\.\d+)(e[+-]?\d+)?$")
_BOOLEAN_WORDS = frozenset(("true", "false", "1", "0", "yes", "no", "on", "off", "t", "f", "y", "n"))


def _is_a_time(error: ValidationError, text: str) -> bool:
    form = _TIMES.get(str(error.validator_value)) if error.validator == "format" else None
    return form is not None and form.fullmatch(text.strip()) is not None


def _readings(text: str) -> Iterator[Any]:
    """What a text in an address may strictly mean."""
    yield text
    if re.fullmatch(r"-?(0|[1-9]\d*)", text):
        yield int(text)
    elif re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", text):
        yield float(text)
    if text in ("true", "false"):
        yield text == "true"
    if text in ("", "null"):
        yield None


def _lenient(text: str) -> Iterator[Any]:
    """What frameworks make of a text besides: spaces, signs, leading zeros, words for yes and no."""
    bare = text.strip()
    if bare.lower() in _BOOLEAN_WORDS:
        yield bare.lower() in ("true", "1", "yes", "on", "t", "y")
    if _NUMBER.match(bare.lower()):
        number = float(bare.replace("_", ""))
        yield number
        if number.is_integer():
            yield int(number)
    yield bare


def _best(errors: list[list[ValidationError]], types: tuple[str, ...], readings: list[Any]) -> ValidationError:
    """The error of the reading that has the schema's own type; else of the text itself."""
    for value, found in zip(reversed(readings), reversed(errors), strict=True):
        if found[0].validator != "type" and not (isinstance(value, str) and "string" not in types):
            return found[0]
    return errors[0][0]


_PHRASES = {
    "maximum": "above its maximum of {}",
    "exclusiveMaximum": "not below {}",
    "minimum": "below its minimum of {}",
    "exclusiveMinimum": "not above {}",
    "maxLength": "longer than {} characters",
    "minLength": "shorter than {} characters",
    "maxItems": "a list of more than {} items",
    "minItems": "a list of fewer than {} items",
    "pattern": "not of the form {}",
    "format": "no {}",
    "enum": "none of {}",
    "const": "not {}",
    "type": "not of type {}",
    "multipleOf": "no multiple of {}",
}


def _said(name: str, value: Any, error: ValidationError) -> str:
    wanted = error.validator_value
    if isinstance(wanted, list):
        wanted = ", ".join(str(item) for item in wanted)
    phrase = _PHRASES.get(str(error.validator), f"against `{error.validator}`").format(wanted)
    return f"`{name}` is {_short(value)}, {phrase}"


_SHOWN_CHARACTERS = 60


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=True) if not isinstance(value, str) or not value.isprintable() or not value else value
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}… ({len(text)} characters)"


def _doubt(value: Any) -> str:
    """Why a server may refuse a valid body: JSON Schema calls 1.0 an integer, and few databases keep a NUL."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack.extend((*item.keys(), *item.values()))
        elif isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, float) and item.is_integer():
            return "a whole number is written with a fraction"
        elif isinstance(item, str) and ("\0" in item or re.search("[\ud800-\udfff]", item)):
            return "a text holds a NUL character or half of a surrogate pair"
    return ""


def _all_types(document: Document, schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The types that a schema admits, those of its alternatives included."""
    found = list(types_of(schema))
    for keyword in ("anyOf", "oneOf"):
        for part in schema.get(keyword) or ():
            found.extend(types_of(document.schemas.resolve(part)))
    return tuple(dict.fromkeys(found))


def _path_values(template: str, path: str) -> dict[str, list[str]] | None:
    pattern = re.sub(r"\\\{([^{}/]+?)\\\}", r"(?P<_>[^/]*)", re.escape(template))
    names = re.findall(r"\{([^{}/]+)\}", template)
    match = re.fullmatch(re.sub(r"\(\?P<_>", "(", pattern), path)
    if match is None:
        return None
    return {name: [unquote(text)] for name, text in zip(names, match.groups(), strict=True)}


def _lists(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _cookies(headers: Mapping[str, str]) -> dict[str, list[str]]:
    raw = next((value for name, value in headers.items() if name.lower() == "cookie"), "")
    pairs = (part.strip().partition("=") for part in raw.split(";") if "=" in part)
    return _lists([(name, unquote(value)) for name, _, value in pairs])


def _matches(declared: str, sent: str) -> bool:
    wanted, got = declared.split(";")[0].strip().lower(), sent.split(";")[0].strip().lower()
    if wanted in ("*/*", got):
        return True
    return wanted.endswith("/*") and got.startswith(wanted[:-1])
