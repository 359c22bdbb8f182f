"""How a list is asked for in pages: which parameters say how long a page is and where it begins, and where the next one does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from harness.probes.http.answers import Answer
from harness.probes.http.oracle import leaves
from harness.probes.openapi.operations import Operation, Parameter

Form = Literal["number", "offset", "cursor", "last-id"]

_SIZE = re.compile(
    r"^(page_?)?(limit|size|count|take|top|first|per_?page|max_?results|rows)$|^(page|per)[_-]?(size|page)$"
    r"|^page\[(limit|size)\]$",
    re.I,
)
_FORMS: tuple[tuple[Form, frozenset[str]], ...] = (
    ("number", frozenset({"page", "pagenumber", "pageno", "pageindex", "p"})),
    ("offset", frozenset({"offset", "pageoffset", "skip", "startindex", "firstresult"})),
    ("last-id", frozenset({"startingafter", "afterid", "lastid"})),
    ("cursor", frozenset({"cursor", "pagecursor", "startcursor", "after", "pageafter", "pagetoken", "nextpagetoken"})),
    ("cursor", frozenset({"nexttoken", "next", "marker", "bookmark", "continuation", "continuationtoken", "page"})),
)
_COUNTED = ("number", "offset")
_NEXT = re.compile(
    r"(^|\.)_?(links\.)?(next|next_?(page_?)?(cursor|token|marker|page|link|url)|end_?cursor|continuation(_?token)?)(\.href)?$",
    re.I,
)
_LINK = re.compile(r"<([^>]*)>[^,]*\brel=\"?next\"?", re.I)


def is_page_size(name: str) -> bool:
    """Whether a parameter of this name says how many items are wanted."""
    return bool(_SIZE.match(name))


def is_paging(name: str) -> bool:
    """Whether a parameter of this name says how long a page is, or where it begins."""
    return is_page_size(name) or any(_plain(name) in names for _, names in _FORMS)


@dataclass(frozen=True)
class Paging:
    """The parameters of a list's pages. `size` is None where its length is the platform's choice."""

    form: Form
    place: Parameter
    size: Parameter | None

    def length(self, wanted: int) -> int:
        """The allowed number of items on a page that is nearest to what is wanted; 0 where the platform chooses it."""
        if self.size is None:
            return 0
        schemas = (self.size.schema, *(each for each in self.size.schema.get("anyOf", ()) if isinstance(each, Mapping)))
        listed = [each for schema in schemas for each in schema.get("enum", ()) if isinstance(each, int)]
        if listed:
            return min(listed, key=lambda each: abs(each - wanted))
        least = [each for schema in schemas if isinstance(each := schema.get("minimum"), int)]
        most = [each for schema in schemas if isinstance(each := schema.get("maximum"), int)]
        return max([min([wanted, *most]), *least])


def paging_of(operation: Operation) -> Paging | None:
    """How an operation's list is paged, None where no parameter says where a page begins."""
    parameters = operation.placed("query")
    size = next((parameter for parameter in parameters if is_page_size(parameter.name)), None)
    for form, names in _FORMS:
        for parameter in (each for each in parameters if "format" not in each.schema):  # `after` may be a day
            if _plain(parameter.name) in names and (form not in _COUNTED or _is_whole(parameter)):
                return Paging(form, parameter, size)
    return None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


def _is_whole(parameter: Parameter) -> bool:
    """Whether its value may be a whole number: nothing says otherwise, or one of its types is (`anyOf` with null)."""
    choices = [each for each in parameter.schema.get("anyOf", ()) if isinstance(each, Mapping)] or [parameter.schema]
    return any(kind in ("integer", "number", None) for schema in choices for kind in _types(schema))


def _types(schema: Mapping[str, Any]) -> list[Any]:
    kind = schema.get("type")
    return kind if isinstance(kind, list) else [kind]


def next_cursor(page: Answer, name: str) -> str | None:
    """The value of the parameter `name` for the next page: in a `Link`, or in a member outside of the items that speaks of it."""
    if link := _LINK.search(", ".join(page.header_all("link"))):
        return _value_of(link[1], name)
    outside = ((path, value) for path, value in leaves(page.json) if "[" not in path and isinstance(value, str | int) and value)
    told = [(path, value) for path, value in outside if not isinstance(value, bool)]
    said = next((value for path, value in told if _NEXT.search(path)), None)
    if said is None and _plain(name) != "page":  # such a member tells which page this is
        said = next((value for path, value in told if _plain(path.rpartition(".")[2]) == _plain(name)), None)
    return None if said is None else _value_of(str(said), name)


def _value_of(text: str, name: str) -> str | None:
    """The parameter in an address, or the text itself where it is none."""
    if "?" not in text:
        return text
    return next(iter(parse_qs(urlsplit(text).query).get(name, ())), None)
