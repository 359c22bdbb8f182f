"""The kinds of objects in the draft of a target file: comments, as whose they are nobody but a person knows."""

from __future__ import annotations

import re

from harness.probes.openapi.document import Document, Operation
from harness.probes.openapi.names import singular
from harness.targets.draft_schemas import members, resolved

_ANYTHING = re.compile(r"^(id|pk|uuid|slug|key|name|code|number)$", re.I)  # parameters that name something else below each list


def objects(document: Document) -> list[str]:
    """The lines of each list whose entries a path names one by one."""
    lines: list[str] = []
    named: set[str] = set()
    for operation in document.operations:
        collection, mark, rest = operation.path.partition("/{")
        lister = document.find("GET", collection)
        if not mark or lister is None or not lister.is_secured or any(f'"{lister.path}"' in line for line in lines):
            continue
        id_path = _id_path(document, lister)
        if id_path:
            name = rest.partition("}")[0]
            is_of_one_list = name not in named and not _ANYTHING.match(name)
            parameters = [name] if is_of_one_list else _places(document, f"{collection}/{{{name}}}", name)
            named.add(name)
            lines += [
                "",
                "# [[objects]]",
                f'# name = "{singular(collection.rsplit("/", 1)[-1])}"',
                '# role = "…"  # whose they are',
                f"# parameters = [{', '.join(map(quoted, parameters))}]",
                f'# list_path = "{lister.path}"',
                f'# id_path = "{id_path}"',
            ]
    if not lines:
        return []
    return [
        "",
        "# Objects that may belong to a user. What the target shows each user alone is found out; write down what it misses.",
        *lines,
    ]


def _places(document: Document, start: str, name: str) -> list[str]:
    """The parameter with each path that it stands in: elsewhere its name stands for something else."""
    paths = dict.fromkeys(operation.path for operation in document.operations)
    return [f"{path}:{name}" for path in paths if path == start or path.startswith(f"{start}/")]


def _id_path(document: Document, lister: Operation) -> str:
    schema = next((response.schema for response in lister.responses if response.status.startswith("2")), {})
    whole = resolved(document, schema)
    places = [("$", whole), *((path, member) for path, _, member in members(document, schema, "$", 0))]
    for path, member in places:
        items = resolved(document, member.get("items")) if member.get("type") == "array" else {}
        properties = items.get("properties") or {}
        name = next((name for name in ("id", "uuid", "_id") if name in properties), "")
        if name:
            return f"{path}[*].{name}"
    return ""


def quoted(text: str) -> str:
    """A string of TOML."""
    return '"' + re.sub(r"[\x00-\x1f]", " ", text).replace("\\", "\\\\").replace('"', '\\"') + '"'
