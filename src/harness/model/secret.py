"""Marks for the fields that hold secrets, for whoever reads or writes them: `field(repr=False, metadata=SECRET)`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# The value is a secret and nothing else: a file may only hold `${NAME}`, resolved from the environment.
SECRET: Mapping[str, str] = MappingProxyType({"secret": "only"})
# The value is text in which `${NAME}` may stand, also in nested strings.
MAY_HOLD_SECRET: Mapping[str, str] = MappingProxyType({"secret": "may"})
