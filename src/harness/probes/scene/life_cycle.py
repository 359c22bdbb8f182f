"""Objects in an order in which each state of their life cycle is met soon: what one state refuses, the next may allow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import chain, zip_longest
from typing import Any

from harness.probes.openapi.jsonpath import find

_STATE = re.compile(r"(^|_)(status|state|stage|phase)$|[a-z](Status|State|Stage|Phase)$")
_ONE = "[*]"


def ids_by_state(data: Any, id_path: str) -> tuple[Any, ...]:
    """The ids of a list's objects, each once: one of each state in turn, as the list has them; in its order without states.

    Args:
        data: the answer that lists them.
        id_path: where their ids stand in it (`$.leads[*].id`).
    """
    head, one, rest = id_path.rpartition(_ONE)
    if not one:
        return _ids(find(data, id_path))
    groups: dict[tuple[Any, ...], list[Any]] = {}
    for item in find(data, head + one):
        groups.setdefault(_state(item), []).extend(find(item, f"${rest}"))
    return _ids(chain.from_iterable(zip_longest(*groups.values())))


def _ids(found: Any) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(each for each in found if isinstance(each, int | str)))


def _state(item: Any) -> tuple[Any, ...]:
    members = item.items() if isinstance(item, Mapping) else ()
    return tuple(str(value) for name, value in members if _STATE.search(name) and isinstance(value, str))
