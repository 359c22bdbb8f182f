"""TOML tables to frozen dataclasses, strictly: every error names the key, what it got and what it wanted.

Rules, so that a dataclass alone is the definition of its file:

- A table is a dataclass; its keys are the field names. An unknown key is an error that names the nearest valid one.
- `tuple[X, ...]` is an array. An array of dataclasses that have a `name` may be written as tables keyed by that name
  (`[roles.partner]`), in the file's order.
- `Path` is relative to `base`, the folder of the file. An integer stands for a float; nothing else is converted.
- A field marked `SECRET` is written `${NAME}`, never as it is; one marked `MAY_HOLD_SECRET` may hold `${NAME}` among other text
  (`harness.model.secret`). Elsewhere `${NAME}` is an error.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from harness.model.errors import ConfigError

T = TypeVar("T")
K = TypeVar("K")

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
# `${NAME}`, or `${NAME:-what it is without}` as in a shell; that may hold a `{placeholder}` of the field's own.
_REFERENCE = re.compile(rf"\$\{{({_NAME})(?::-((?:[^{{}}]|\{{[^{{}}$]*\}})*))?\}}")
_SECRET_REFERENCE = re.compile(rf"\$\{{{_NAME}\}}")  # a secret that is written behind `:-` would be one in plain text
_TOML_NAMES: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "float",
    str: "string",
    dict: "table",
    list: "array",
    datetime: "date-time",
    date: "date",
}


@dataclass(frozen=True)
class _Problem:
    where: str
    what: str
    hint: str = ""


@dataclass(frozen=True)
class _Missing(_Problem):
    """A text that needs variables of the environment; all of a file's are told in one hint."""

    variables: tuple[str, ...] = ()


class _Problems(Exception):  # internal: gathered so that a file with three mistakes is told of three
    def __init__(self, items: list[_Problem]) -> None:
        super().__init__("; ".join(item.what for item in items))
        self.items = items


@dataclass(frozen=True)
class _Context:
    base: Path
    environ: Mapping[str, str]
    secret: str = ""  # "", "may" or "only": what the field that is being read says of secrets


def decode(
    cls: type[T],
    data: Mapping[str, Any],
    where: str,
    *,
    base: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> T:
    """A `cls` from the parsed TOML table `data`.

    Args:
        cls: a dataclass; nested dataclasses, tuples, dicts, `Literal`, enums, `Path`, dates and `X | None` are understood.
        data: the parsed table.
        where: what the errors call the file, such as `targets/reference.toml`.
        base: the folder that relative paths start from (default: the working directory).
        environ: where `${NAME}` is looked up (default: the process's environment).

    Raises:
        ConfigError: naming every mistake in the table with its key.
    """
    context = _Context(base or Path.cwd(), os.environ if environ is None else environ)
    try:
        return _table(cls, data, "", context)
    except _Problems as problems:
        raise _error(where, problems.items) from None


def nearest(name: str, valid: Iterable[str]) -> str:
    """A hint for a name that does not exist: the nearest valid one, or all of them where none is near."""
    names = list(valid)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f'did you mean "{close[0]}"?'
    return f"valid are: {', '.join(names)}" if names else "nothing is valid here"


def _error(where: str, problems: list[_Problem]) -> ConfigError:
    lines = [f"{where}: {problem.where + ': ' if problem.where else ''}{problem.what}" for problem in problems]
    hints = list(dict.fromkeys(problem.hint for problem in problems if problem.hint))
    unset = [name for problem in problems if isinstance(problem, _Missing) for name in problem.variables]
    if unset:
        words = " ".join(f"{name}=…" for name in dict.fromkeys(unset))
        hints.append(f"set {'it' if len(set(unset)) == 1 else 'them'} before the start: export {words}")
    return ConfigError("\n".join(lines), hint="; ".join(hints))


def _table(cls: type[T], data: object, where: str, context: _Context) -> T:
    if not isinstance(data, Mapping):
        raise _wrong(where, data, "a table")
    hints = get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init}  # type: ignore[arg-type]
    problems = [_Problem(_join(where, key), "unknown key", nearest(key, fields)) for key in data if key not in fields]
    for name, field in fields.items():
        if name not in data and field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            problems.append(_Problem(_join(where, name), f"missing; wanted {_describe(hints[name])}"))

    def read(name: str, item: Any) -> Any:
        inner = dataclasses.replace(context, secret=fields[name].metadata.get("secret", context.secret))
        return _value(hints[name], item, _join(where, name), inner)

    known = [(key, item) for key, item in data.items() if key in fields]
    return cls(**_each(known, read, problems))


def _each(items: Iterable[tuple[K, Any]], read: Callable[[K, Any], Any], problems: list[_Problem] | None = None) -> dict[K, Any]:
    """Reads every item, and only then raises what was wrong with any of them (after `problems`, known before)."""
    found = list(problems or [])
    values: dict[K, Any] = {}
    for key, item in items:
        try:
            values[key] = read(key, item)
        except _Problems as more:
            found.extend(more.items)
    if found:
        raise _Problems(found)
    return values


def _value(wanted: Any, got: object, where: str, context: _Context) -> Any:
    origin = get_origin(wanted)
    if origin in (Union, types.UnionType):
        return _optional(wanted, got, where, context)
    if origin is Literal:
        return _choice(got, list(get_args(wanted)), where)
    if origin is tuple:
        return _array(get_args(wanted), got, where, context)
    if origin is dict:
        return _mapping(get_args(wanted)[1], got, where, context)
    if dataclasses.is_dataclass(wanted) and isinstance(wanted, type):
        return _table(wanted, got, where, context)
    if isinstance(wanted, type) and issubclass(wanted, Enum):
        return wanted(_choice(got, [member.value for member in wanted], where))
    return _scalar(wanted, got, where, context)


def _optional(wanted: Any, got: object, where: str, context: _Context) -> Any:
    choices = [choice for choice in get_args(wanted) if choice is not type(None)]
    if len(choices) != 1:
        raise TypeError(f"{where}: {wanted} cannot be decoded; only `X | None` can")
    return _value(choices[0], got, where, context)


def _choice(got: object, valid: list[Any], where: str) -> Any:
    if isinstance(got, bool) or got not in valid:
        hint = nearest(got, [str(value) for value in valid]) if isinstance(got, str) else ""
        raise _wrong(where, got, "one of " + ", ".join(_show(value) for value in valid), hint)
    return got


def _array(arguments: tuple[Any, ...], got: object, where: str, context: _Context) -> tuple[Any, ...]:
    if len(arguments) != 2 or arguments[1] is not Ellipsis:
        raise TypeError(f"{where}: only `tuple[X, ...]` can be decoded")
    element = arguments[0]
    if isinstance(got, Mapping) and _has_name(element):
        return _named(element, got, where, context)
    if not isinstance(got, list):
        raise _wrong(where, got, f"an array of {_plural(element)}")
    return tuple(_each(enumerate(got), lambda index, item: _value(element, item, f"{where}[{index}]", context)).values())


def _has_name(element: Any) -> bool:
    return dataclasses.is_dataclass(element) and any(field.name == "name" for field in dataclasses.fields(element))


def _named(element: Any, got: Mapping[str, Any], where: str, context: _Context) -> tuple[Any, ...]:
    def read(name: str, item: Any) -> Any:
        inner = {"name": name, **item} if isinstance(item, Mapping) else item
        return _table(element, inner, _join(where, name), context)

    return tuple(_each(got.items(), read).values())


def _mapping(element: Any, got: object, where: str, context: _Context) -> dict[str, Any]:
    if not isinstance(got, Mapping):
        raise _wrong(where, got, f"a table of {_plural(element)}")
    return _each(got.items(), lambda key, item: _value(element, item, _join(where, key), context))


def _scalar(wanted: Any, got: object, where: str, context: _Context) -> Any:
    if wanted is Any or wanted is object:
        return got
    if wanted is Path:
        return (context.base / _text(got, where, context, "a path")).resolve()
    if wanted is str:
        return _text(got, where, context, "a string")
    if wanted is float and type(got) is int:
        return float(got)
    if wanted in _TOML_NAMES and type(got) is wanted:
        return got
    if wanted not in _TOML_NAMES:
        raise TypeError(f"{where}: {wanted} cannot be decoded")
    raise _wrong(where, got, _describe(wanted))


def _text(got: object, where: str, context: _Context, wanted: str) -> str:
    if not isinstance(got, str):
        shown = _article(_TOML_NAMES.get(type(got), "value")) if context.secret else _show(got)
        raise _Problems([_Problem(where, f"got {shown}, wanted {wanted}")])
    if not context.secret:
        return _plain(got, where)
    if context.secret == "only" and got and not _SECRET_REFERENCE.fullmatch(got):
        hint = "write the name of an environment variable, such as ${TARGET_PASSWORD}"
        raise _Problems([_Problem(where, "holds a secret in plain text", hint)])
    missing = [found[1] for found in _REFERENCE.finditer(got) if found[2] is None and found[1] not in context.environ]
    if missing:
        raise _Problems([_Missing(where, f"the environment has no {', '.join(missing)}", variables=tuple(missing))])
    return _REFERENCE.sub(lambda found: context.environ.get(found[1]) or found[2] or "", got)


def _plain(got: str, where: str) -> str:
    if _SECRET_REFERENCE.search(got):
        what = f"got {_show(got)}; only secrets are taken from the environment"
        raise _Problems([_Problem(where, what, "write the value itself")])
    return got


def _wrong(where: str, got: object, wanted: str, hint: str = "") -> _Problems:
    return _Problems([_Problem(where, f"got {_show(got)}, wanted {wanted}", hint)])


def _show(value: object) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float, date)):
        return str(value)
    return _article(_TOML_NAMES.get(type(value), type(value).__name__))


def _describe(wanted: Any) -> str:
    origin = get_origin(wanted)
    if origin in (Union, types.UnionType):
        return _describe(next(choice for choice in get_args(wanted) if choice is not type(None)))
    if origin is Literal:
        return "one of " + ", ".join(_show(value) for value in get_args(wanted))
    if origin is tuple:
        return f"an array of {_plural(get_args(wanted)[0])}"
    if isinstance(wanted, type) and issubclass(wanted, Enum):
        return "one of " + ", ".join(_show(member.value) for member in wanted)
    if wanted is Path:
        return "a path"
    return _article(_TOML_NAMES.get(wanted, "table"))


def _plural(wanted: Any) -> str:
    if wanted is Path or wanted in _TOML_NAMES or dataclasses.is_dataclass(wanted):
        return ("path" if wanted is Path else _TOML_NAMES.get(wanted, "table")) + "s"
    return _describe(wanted)


def _article(name: str) -> str:
    return f"an {name}" if name[0] in "ai" else f"a {name}"


def _join(where: str, key: str) -> str:
    shown = key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else f'"{key}"'
    return f"{where}.{shown}" if where else shown
