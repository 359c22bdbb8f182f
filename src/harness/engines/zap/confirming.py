"""A second, different request for an alert of high risk: of 26 of them on a larger interface, 25 were echoes in an error.

An alert is confirmed where its evidence comes back with the attack and does not with a harmless word of the same length.
Where the evidence is the attack itself, it must come back changed when the attack is changed; where it is only a status, the same
attack with each quote doubled, which a well-formed statement takes as text, must not cause it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from harness.engines.zap.model import Alert
from harness.model.errors import TargetError
from harness.model.finding import Request
from harness.probes.http.answers import Answer
from harness.probes.http.exchange import World, with_headers
from harness.probes.scene.scene import Asker

_MARK = "q7z"
_STATUS_LINE = re.compile(r"HTTP/\S+ (\d{3})")
Rewrite = Callable[[str], str]


@dataclass(frozen=True)
class Confirmer:
    """Asks a target on fresh data, as the role that was scanned; `headers` carry its session of the pages."""

    world: World
    asker: Asker
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __call__(self, alert: Alert) -> bool:
        """Whether the defect shows again; an alert without evidence or whose attack is not found in its request does not."""
        if not alert.evidence:
            return False
        try:
            return self._again(alert) if alert.active else self._shows(alert, lambda attack: attack)
        except TargetError:
            return False

    def _again(self, alert: Alert) -> bool:
        if not alert.attack or not self._shows(alert, lambda attack: attack) or self._shows(alert, _harmless):
            return False
        if _STATUS_LINE.match(alert.evidence):
            return "'" in alert.attack and not self._shows(alert, lambda attack: attack.replace("'", "''"))
        if alert.evidence in alert.attack:
            return self._shows(alert, lambda attack: _MARK + attack, _MARK)
        return True

    def _shows(self, alert: Alert, rewrite: Rewrite, also: str = "") -> bool:
        request = rewritten(alert, rewrite, self.asker)
        if request is None:
            return False
        answer = self.world.send(with_headers(request, self.headers))
        return _is_there(alert.evidence, answer) and also in answer.text


def _harmless(attack: str) -> str:
    return "x" * len(attack)


def _is_there(evidence: str, answer: Answer) -> bool:
    if status := _STATUS_LINE.match(evidence):
        return answer.status == int(status[1])
    heads = "\n".join(f"{name}: {value}" for name, value in answer.headers)
    return evidence in answer.text or evidence.lower() in heads.lower()


def rewritten(alert: Alert, rewrite: Rewrite, asker: Asker) -> Request | None:
    """The alert's request with its attack rewritten, wherever it stands; None where it stands nowhere."""
    parts = urlsplit(alert.url)
    headers = {"Content-Type": alert.content_type} if alert.content_type else {}

    def request(path: str, query: str, body: str) -> Request:
        return Request(
            alert.method, f"{path or '/'}{'?' + query if query else ''}", asker.role, asker.user, headers, body or None
        )

    if not alert.active:
        return request(parts.path, parts.query, alert.body)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    if any(alert.attack in value for _, value in pairs):
        query = urlencode([(name, value.replace(alert.attack, rewrite(alert.attack))) for name, value in pairs])
        return request(parts.path, query, alert.body)
    if (body := _body(alert, rewrite)) is not None:
        return request(parts.path, parts.query, body)
    if alert.attack in unquote(parts.path):
        path = quote(unquote(parts.path).replace(alert.attack, rewrite(alert.attack)), safe="/")
        return request(path, parts.query, alert.body)
    return None


def _body(alert: Alert, rewrite: Rewrite) -> str | None:
    if not alert.body:
        return None
    try:
        data = json.loads(alert.body)
    except ValueError:
        pairs = parse_qsl(alert.body, keep_blank_values=True)
        changed = [(name, value.replace(alert.attack, rewrite(alert.attack))) for name, value in pairs]
        return urlencode(changed) if changed and (changed != pairs or any(alert.attack in value for _, value in pairs)) else None
    return json.dumps(_deep(data, alert.attack, rewrite(alert.attack))) if _holds(data, alert.attack) else None


def _deep(data: Any, old: str, new: str) -> Any:
    if isinstance(data, dict):
        return {name: _deep(value, old, new) for name, value in data.items()}
    if isinstance(data, list):
        return [_deep(value, old, new) for value in data]
    return data.replace(old, new) if isinstance(data, str) else data


def _holds(data: Any, text: str) -> bool:
    if isinstance(data, dict | list):
        return any(_holds(value, text) for value in (data.values() if isinstance(data, dict) else data))
    return isinstance(data, str) and text in data
