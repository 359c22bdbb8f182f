"""What the checks of the configuration read in a refusal."""

from __future__ import annotations

import re

from fixtures.platforms import Ended


def named(refusal: Ended) -> list[str]:
    """The variables that a refused start names."""
    return re.findall(r"^  ([A-Z][A-Z0-9_]+): ", refusal.output, re.MULTILINE)
