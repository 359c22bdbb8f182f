"""Operator `escape`: a value is put into a page as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from harness.faults.operators.site import Change, Site, numbered, site
from harness.faults.operators.source import Sources
from harness.faults.operators.strings import slug

_OUTPUT = re.compile(r"\{\{-?\s*(.+?)\s*-?\}\}", re.DOTALL)


@dataclass(frozen=True)
class DroppedEscape:
    """Each `{{ … }}` of the Jinja templates in `files`; `unless` is found in expressions that give markup anyway (macros)."""

    name: ClassVar[str] = "escape"
    files: tuple[str, ...]
    unless: str = ""

    def sites(self, sources: Sources) -> Iterator[Site]:
        """One site per output, named after its expression."""
        for source in sources.files(self.files):
            yield from numbered(
                site(source, slug(match[1]), [Change(match.start(1), match.end(1), f"({match[1]}) | safe")])
                for match in _OUTPUT.finditer(source.text)
                if not (self.unless and re.search(self.unless, match[1]))
            )
