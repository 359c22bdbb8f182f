"""What came back for a request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.probes.openapi.operations import is_json_type


@dataclass(frozen=True)
class Answer:
    """What came back. `status` 0 is no answer at all, with `error` saying why; a body over the bound is cut.

    `endless`: it was cut because it had not ended when its time was over.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    content: bytes = b""
    error: str = ""
    elapsed_s: float = 0.0
    truncated: bool = False
    endless: bool = False

    @cached_property
    def text(self) -> str:
        """The body as text; what is no UTF-8 is replaced."""
        return self.content.decode("utf-8", errors="replace")

    @cached_property
    def json(self) -> Any:
        """The body as plain data, or None where it is no JSON."""
        if not self.content or self.truncated:
            return None
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None

    def header(self, name: str) -> str:
        """The first header of that name, "" where there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def header_all(self, name: str) -> tuple[str, ...]:
        """All headers of that name (`Set-Cookie` comes many times)."""
        return tuple(value for key, value in self.headers if key.lower() == name.lower())

    @property
    def is_success(self) -> bool:
        """A 2xx that does not say in its body that it failed."""
        return 200 <= self.status < 300 and not self.is_soft_refusal

    @property
    def is_soft_refusal(self) -> bool:
        """A 2xx whose JSON says that nothing was done: `success: false`, `ok: false`, `status: "error"`, errors without data."""
        data = self.json
        if not isinstance(data, Mapping):
            return False
        if data.get("success") is False or data.get("ok") is False:
            return True
        if str(data.get("status", "")).lower() in ("error", "fail", "failed", "failure"):
            return True
        return bool(data.get("errors")) and not data.get("data")

    @property
    def is_denial(self) -> bool:
        """A refusal for want of a credential or a right: 401, 403, 404, or a redirect (to a log-in page)."""
        return self.status in (401, 403, 404) or 300 <= self.status < 400

    @property
    def is_of_the_door(self) -> bool:
        """Whether whoever asked did not get behind the door: no answer, 401, 403, or too many requests."""
        return self.status in (0, 401, 403, 429)

    @property
    def media_type(self) -> str:
        """Essence of the content type, in lower case."""
        return self.header("content-type").split(";")[0].strip().lower()

    @property
    def is_json(self) -> bool:
        """Whether it says that it is JSON."""
        return is_json_type(self.media_type)

    @property
    def is_html(self) -> bool:
        """Whether it is a page."""
        return self.media_type in ("text/html", "application/xhtml+xml")
