"""How answers are read: what shows somebody's data, what shows a change. Status codes alone are never believed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.probes.http.answers import Answer

LEAVES_MAX = 20_000
_NUMBER_MIN = 10_000  # a smaller number may stand anywhere
_TEXT_LENGTH_MIN = 6
_WORD = re.compile(r"[a-z_]+")  # what an enumeration or a message may say to anybody
_TOKEN = re.compile(r"[^\s<>\"'&=]{8,}")
_CLOCK = re.compile(
    r"(^|[._])(timestamp|generated_at|generatedat|server_time|request_id|requestid|trace_id|traceid|now|instance)$", re.I
)


def leaves(data: Any) -> Iterator[tuple[str, Any]]:
    """Path and value of every scalar (`"leads[0].id"`), at most 20,000. Walks without recursion: depth is the target's choice."""
    stack: list[tuple[str, Any]] = [("", data)]
    given = 0
    while stack and given < LEAVES_MAX:
        path, node = stack.pop()
        if isinstance(node, Mapping):
            stack.extend((f"{path}.{key}" if path else str(key), value) for key, value in reversed(list(node.items())))
        elif isinstance(node, list):
            stack.extend((f"{path}[{number}]", value) for number, value in reversed(list(enumerate(node))))
        else:
            given += 1
            yield path, node


def values_in(answer: Answer) -> set[str]:
    """The telling values of an answer: identifiers, names, addresses, large numbers; no words that anybody may be told."""
    if answer.json is not None:
        return {text for _, value in leaves(answer.json) if (text := telling(value))}
    return {token for token in _TOKEN.findall(answer.text) if not _WORD.fullmatch(token)}


def telling(value: Any) -> str:
    """A value as a text where it tells something of whose it is, "" where anybody may be told it: a word, a small number."""
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, int | float):
        return str(value) if abs(value) >= _NUMBER_MIN else ""
    text = str(value)
    return text if len(text) >= _TEXT_LENGTH_MIN and not _WORD.fullmatch(text) else ""


def distinctive(owner: Answer, others: Iterable[Answer], sent: Iterable[str] = ()) -> frozenset[str]:
    """Values that the owner is shown and that nothing else explains.

    Args:
        others: answers that anybody may get (about one's own object, about nobody's): what they share is no secret.
        sent: what the asker knows already, because it is in the request (an id comes back in an error message).
    """
    own = values_in(owner)
    for other in others:
        own -= values_in(other)
    known = set(sent)
    return frozenset(value for value in own if not any(value in text for text in known))


def shown(secrets: Iterable[str], answer: Answer) -> tuple[str, ...]:
    """Those of the values that an answer shows, as a value of their own or inside of a text."""
    given = values_in(answer)
    return tuple(sorted(value for value in secrets if value in given or (len(value) >= 8 and value in answer.text)))


def members_of(values: Iterable[str], answer: Answer) -> tuple[str, ...]:
    """The names of the members in which the values stand (`contractor.email`), in the answer's order."""
    wanted = set(values)
    return tuple(dict.fromkeys(path for path, value in leaves(answer.json) if telling(value) in wanted))


def same_body(first: Answer, second: Answer) -> bool:
    """Whether two answers say the same, clocks and request numbers aside."""
    if first.json is None or second.json is None:
        return first.content == second.content
    one, two = ({path: value for path, value in leaves(answer.json) if not _CLOCK.search(path)} for answer in (first, second))
    return one == two


def alike(first: Answer, second: Answer) -> bool:
    """Whether two answers are of one form: media type and, for JSON, mostly the same members at the top."""
    if first.media_type != second.media_type:
        return False
    one, two = first.json, second.json
    if isinstance(one, Mapping) and isinstance(two, Mapping):
        return bool(one.keys() & two.keys()) and len(one.keys() & two.keys()) * 2 >= len(one.keys() | two.keys())
    return type(one) is type(two)


@dataclass(frozen=True)
class Change:
    """One value that differs between two looks. None stands for "not there"."""

    path: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.path or 'the answer'}: {_short(self.before)} → {_short(self.after)}"


def _short(value: Any) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def changes(
    before: Mapping[str, Answer], after: Mapping[str, Answer], volatile: frozenset[str] = frozenset()
) -> tuple[Change, ...]:
    """What differs between two looks at an object through the same reading operations.

    Args:
        volatile: paths that change by themselves (see `unstable`).
    """
    found = []
    for name, first in before.items():
        one, two = _flat(first), _flat(after[name])
        for path in [*one, *(path for path in two if path not in one)]:
            if one.get(path) != two.get(path) and f"{name} {path}" not in volatile and not _CLOCK.search(path):
                found.append(Change(path, one.get(path), two.get(path)))
    return tuple(found)


def unstable(first: Mapping[str, Answer], second: Mapping[str, Answer]) -> frozenset[str]:
    """Paths that differ between two looks though nothing was written: clocks, counters of looks."""
    found = set()
    for name, answer in first.items():
        one, two = _flat(answer), _flat(second[name])
        found |= {f"{name} {path}" for path in one.keys() | two.keys() if one.get(path) != two.get(path)}
    return frozenset(found)


def _flat(answer: Answer) -> dict[str, Any]:
    if answer.json is None:
        return {"status": answer.status, "text": answer.text}
    return {"status": answer.status, **dict(leaves(answer.json))}


def member(data: Any, name: str, depth_max: int = 3) -> Any:
    """The shallowest member of that name within three levels (answers are often wrapped), or None."""
    level = [data]
    for _ in range(depth_max):
        for node in level:
            if isinstance(node, Mapping) and name in node:
                return node[name]
        level = [value for node in level if isinstance(node, Mapping) for value in node.values()]
    return None


def excerpt(answer: Answer, value: Any, name: str = "") -> str:
    """How a value stands in the answer's text (`"stage":"won"` where its member's name is given), "" where it does not."""
    if name:
        literal = re.escape(_json_literal(value))
        found = re.search(rf'"{re.escape(name)}"\s*:\s*{literal}', answer.text)
        if found:
            return found.group()
    text = str(value)
    return text if text and text in answer.text else ""


def _json_literal(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)
