"""Valid values for parameters and bodies, from examples and schemas; the same for the same seed and place on the same day."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any, TypeGuard

from harness.probes.http.days import About, day_for, some_day, soon
from harness.probes.openapi.patterns import matches, matching
from harness.probes.openapi.schemas import JsonSchema, SchemaError, Schemas, types_of

DEPTH_MAX = 12  # a deeper value is made of required members only, and then given up
OPTIONAL_DEPTH_MAX = 4
_STRING_LENGTH_USUAL_MAX = 40


@dataclass(frozen=True)
class Values:
    """Makes values for the schemas of one document. `seed` and the `place` that each call names determine them."""

    schemas: Schemas
    seed: int

    def value(
        self,
        schema: JsonSchema,
        place: str,
        *,
        optional: bool = True,
        unlike: Any = None,
        together: str = "",
        is_read: bool = False,
    ) -> Any:
        """One valid value.

        Args:
            place: what the value is for (`"POST /x body"`): another place, another value. Its last word (after `.` or a space)
                is the name of the parameter or member, which tells an e-mail address from a telephone number.
            optional: whether the optional members of objects are given too.
            unlike: a value that it must differ from where the schema has a choice.
            together: what several values are for, the days in which belong together (`"GET /x"` for its parameters).
            is_read: whether nothing is made or changed with it: then its days are the next ones.

        Raises:
            SchemaError: the schema is broken or needs an endless value.
        """
        about = soon() if is_read else some_day(Random(f"{self.seed}|{together or place}|day"))
        maker = _Maker(self.schemas, Random(f"{self.seed}|{place}"), optional, about)
        return maker.make(schema, re.split(r"[. ]", place)[-1], 0, unlike)

    def unlike(self, schema: JsonSchema, place: str, value: Any, current: Mapping[str, Any]) -> Any:
        """A body that differs from the `current` object in each member where its schema leaves a choice, in what it holds too.

        A write of what stands there already would prove nothing.
        """
        resolved = self.schemas.resolve(schema) if isinstance(value, dict | list) else {}
        if isinstance(value, list):
            return [self.unlike(resolved.get("items", {}), f"{place}[]", each, current) for each in value]
        properties = resolved.get("properties")
        if not isinstance(value, dict) or not isinstance(properties, Mapping):
            return value
        changed = dict(value)
        for name in value.keys() & properties.keys():
            if isinstance(value[name], dict | list):
                changed[name] = self.unlike(properties[name], f"{place}.{name}", value[name], current)
            elif name in current and value[name] == current[name]:
                changed[name] = self.value(properties[name], f"{place}.{name}", unlike=current[name], together=place)
        return changed


class _Maker:
    def __init__(self, schemas: Schemas, random: Random, optional: bool, about: About) -> None:
        self._schemas, self._random, self._optional, self._about = schemas, random, optional, about

    def make(self, schema: Any, name: str, depth: int, unlike: Any = None) -> Any:
        if depth > DEPTH_MAX:
            raise SchemaError(f"the schema of {name} needs a value deeper than {DEPTH_MAX} levels")
        resolved = self._chosen(self._schemas.resolve(schema))
        given = [item for item in _given(resolved) if item != unlike]
        if PLAIN_TEXT in given and _MEDIA_TYPE.search(name):  # the one that content made here is of
            return PLAIN_TEXT
        if given:
            return given[0] if unlike is None else self._random.choice(given)
        return self._typed(resolved, name, depth, unlike)

    def _chosen(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The first alternative that can be used, merged with what stands beside it."""
        for keyword in ("oneOf", "anyOf"):
            alternatives = schema.get(keyword)
            if isinstance(alternatives, list) and alternatives:
                return self._schemas.resolve({"allOf": [self._first(alternatives), {**schema, keyword: None}]})
        return schema

    def _first(self, alternatives: list[Any]) -> dict[str, Any]:
        usable = []
        for alternative in alternatives:
            try:
                usable.append(self._schemas.resolve(alternative))
            except SchemaError:
                continue
        real = [schema for schema in usable if types_of(schema) != ("null",)]
        if not (real or usable):
            raise SchemaError("none of the schema's alternatives can be used")
        return (real or usable)[0]

    def _typed(self, schema: dict[str, Any], name: str, depth: int, unlike: Any) -> Any:
        kinds: dict[str, Callable[[], Any]] = {
            "object": lambda: self._object(schema, depth),
            "array": lambda: self._array(schema, name, depth),
            "string": lambda: self._string(schema, name, unlike),
            "integer": lambda: self._number(schema, 1, unlike),
            "number": lambda: self._number(schema, 0.5, unlike),
            "boolean": lambda: not unlike if isinstance(unlike, bool) else True,
            "null": lambda: None,
        }
        kind = next(iter(types_of(schema)), "string")
        if kind not in kinds:
            raise SchemaError(f"the schema of {name} names the type {kind!r}")
        return kinds[kind]()

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties")
        required = schema.get("required") if isinstance(schema.get("required"), list) else []
        made: dict[str, Any] = {}
        for name, member in (properties if isinstance(properties, Mapping) else {}).items():
            if _is_read_only(member):
                continue
            if name in (required or ()):
                made[name] = self.make(member, name, depth + 1)
            elif self._optional and depth < OPTIONAL_DEPTH_MAX:
                self._add_optional(made, name, member, depth)
        for name in required or ():
            made.setdefault(name, self.make({"type": "string"}, name, depth + 1)) if name not in (properties or {}) else None
        return made

    def _add_optional(self, made: dict[str, Any], name: str, member: Any, depth: int) -> None:
        try:
            made[name] = self.make(member, name, depth + 1)
        except SchemaError:
            return  # an optional member that cannot be made is left out

    def _array(self, schema: dict[str, Any], name: str, depth: int) -> list[Any]:
        least = schema.get("minItems", 0)
        count = max(least if isinstance(least, int) else 0, 1 if depth < OPTIONAL_DEPTH_MAX else 0)
        most = schema.get("maxItems")
        if isinstance(most, int):
            count = min(count, most)
        items = schema.get("items", {})
        made: list[Any] = []
        for _ in range(min(count, 50)):
            made.append(self.make(items, name, depth + 1, unlike=made[-1] if made and schema.get("uniqueItems") else None))
        return made

    def _number(self, schema: dict[str, Any], step: float, unlike: Any) -> float:
        low, high = _bounds(schema, step)
        multiple = schema.get("multipleOf")
        if isinstance(multiple, int | float) and multiple > 0:
            first = -(-low // multiple) * multiple
            return _whole(first if first != unlike else first + multiple, step)
        choice = _whole(self._random.uniform(low, min(high, low + 20)), step)
        if choice == unlike:
            choice = choice + 1 if choice + 1 <= high else choice - 1
        return choice

    def _string(self, schema: dict[str, Any], name: str, unlike: Any) -> str:
        lengths = _lengths(schema)
        made = self._formatted(str(schema.get("format", "")), name)
        made = _fitted(made if len(made) <= lengths[1] else made.removeprefix("probe").lstrip(" -"), lengths)
        pattern = schema.get("pattern")
        if not isinstance(pattern, str) or (made != unlike and matches(pattern, made)):
            return made  # the usual value of such a name will do
        return matching(pattern, self._random, lengths, unlike)

    def _formatted(self, form: str, name: str) -> str:
        token = f"{self._random.getrandbits(40):010x}"
        day = day_for(name, self._about, self._random)
        forms: dict[str, Callable[[], str]] = {
            "uuid": lambda: str(uuid.UUID(int=self._random.getrandbits(128), version=4)),
            "date": day.isoformat,
            "date-time": lambda: datetime(day.year, day.month, day.day, 12, tzinfo=UTC).isoformat().replace("+00:00", "Z"),
            "time": lambda: "12:00:00Z",
            "duration": lambda: "P1D",
            "decimal": lambda: f"{self._random.randrange(1, 100)}.{self._random.randrange(100):02d}",
            "email": lambda: f"probe-{token}@example.com",
            "phone": lambda: f"+1202555{self._random.randrange(100, 200):04d}",  # 555-0100 to 0199 are kept for fiction
            "uri": lambda: f"https://example.com/{token}",
            "hostname": lambda: f"probe-{token}.example.com",
            "ipv4": lambda: "192.0.2.10",  # RFC 5737
            "ipv6": lambda: "2001:db8::10",  # RFC 3849
            "byte": lambda: base64.b64encode(token.encode()).decode(),
            "binary": lambda: token,
            "password": lambda: f"Aa1!{token}",
            "name": lambda: f"Probe {token}",
        }
        return forms.get(_form(form, name), lambda: f"probe {token}")()


_FORM_ALIASES = {
    "url": "uri",
    "uri-reference": "uri",
    "iri": "uri",
    "idn-email": "email",
    "idn-hostname": "hostname",
    "tel": "phone",
}
PLAIN_TEXT = "text/plain"
_MEDIA_TYPE = re.compile(r"(content|media|mime|file)_?type$", re.I)
_NAME_HINTS = (
    (re.compile(r"base_?64", re.I), "byte"),
    (re.compile(r"e-?mail", re.I), "email"),
    (re.compile(r"phone|mobile|msisdn", re.I), "phone"),
    (re.compile(r"passw|passphrase", re.I), "password"),
    (re.compile(r"ur[il]$|website|link$|href", re.I), "uri"),
    (re.compile(r"uuid|guid", re.I), "uuid"),
    (re.compile(r"(^|_)date($|_)|Date$", re.I), "date"),
    (re.compile(r"(_at|At|timestamp)$"), "date-time"),
    (re.compile(r"name$", re.I), "name"),
)


def _form(form: str, name: str) -> str:
    if form:
        return _FORM_ALIASES.get(form, form)
    return next((hint for pattern, hint in _NAME_HINTS if pattern.search(name)), "")


def _given(schema: dict[str, Any]) -> list[Any]:
    """Values that the document itself offers, the most telling first."""
    if "const" in schema:
        return [schema["const"]]
    examples = schema.get("examples")
    offered = [schema["example"]] if "example" in schema else []
    offered += examples if isinstance(examples, list) else []
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        allowed = [item for item in schema["enum"] if item is not None] or schema["enum"]
        return [item for item in offered if item in allowed] + [item for item in allowed if item not in offered]
    if "default" in schema and schema["default"] is not None:
        offered.append(schema["default"])
    return offered


def _is_read_only(member: Any) -> bool:
    return isinstance(member, Mapping) and member.get("readOnly") is True


def _bounds(schema: dict[str, Any], step: float) -> tuple[float, float]:
    low, high = _limit(schema, "minimum"), _limit(schema, "maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if above is True and low is not None:  # OpenAPI 3.0
        low += step
    elif _is_number(above):
        low = max(above + step, low if low is not None else above + step)
    if below is True and high is not None:
        high -= step
    elif _is_number(below):
        high = min(below - step, high if high is not None else below - step)
    if low is None:
        low = min(1.0, high) if high is not None else 1.0
    if high is None:
        high = low + 1000
    if high < low:
        raise SchemaError(f"no number is at least {low} and at most {high}")
    return low, high


def _limit(schema: dict[str, Any], key: str) -> float | None:
    value = schema.get(key)
    return value if _is_number(value) else None


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: float, step: float) -> float:
    return int(value) if step == 1 else round(value, 2)


def _lengths(schema: dict[str, Any]) -> tuple[int, int]:
    low, high = schema.get("minLength", 0), schema.get("maxLength")
    least = low if isinstance(low, int) else 0
    return least, high if isinstance(high, int) else max(least, _STRING_LENGTH_USUAL_MAX)


def _fitted(text: str, lengths: tuple[int, int]) -> str:
    least, most = lengths
    return (text + "a" * (least - len(text)))[: max(most, 0)]
