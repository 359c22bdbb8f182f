"""What a token says to whoever holds it: when it ends, and nothing secret."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.model.finding import Confidence, Finding, Severity
from harness.model.target import Role
from harness.probes.http.forging import Jwt
from harness.probes.http.oracle import leaves

STAGE, ENGINE = "sessions", "probes"
LIFETIME_S_MAX = 30 * 24 * 3_600  # OWASP ASVS 4.0.3, 3.3.2, level 1: log in again after 30 days at the latest
_SECRET = re.compile(
    r"(^|[._])(password|passwd|pwd|password_hash|passwordhash|secret|api_?key|ssn|card_?number|cvv|otp|pin)$", re.I
)


def token_findings(token: Jwt, role: Role) -> Iterator[Finding]:
    """What is wrong with a token that a role was given."""
    lifetime_s = token.lifetime_s
    if lifetime_s is None:
        why = "A token that leaks works for ever."
        yield _finding(role, "endless", "A token has no end", "The claim exp is missing.", why, 613, Severity.MEDIUM)
    elif lifetime_s > LIFETIME_S_MAX:
        days = lifetime_s / 86_400
        why = "A token that leaks works for months."
        yield _finding(role, "long-lived", "A token lives long", f"It is valid for {days:.0f} days.", why, 613, Severity.LOW)
    for path, _ in leaves(dict(token.claims)):
        if _SECRET.search(path):
            observed = f"The claim {path} can be read by whoever has the token."
            why = "A token is only encoded, not encrypted."
            yield _finding(role, "secret", "A token carries a secret", observed, why, 522, Severity.HIGH, path)


def _finding(
    role: Role, name: str, title: str, observed: str, why: str, cwe: int, severity: Severity, parameter: str = ""
) -> Finding:
    return Finding(
        rule=f"tokens.{name}",
        title=f"{title} ({role.name})",
        severity=severity,
        confidence=Confidence.MEDIUM,
        stage=STAGE,
        engines=(ENGINE,),
        method="POST" if role.login.path else "",
        route=role.login.path,
        parameter=parameter,
        role=role.name,
        cwe=cwe,
        owasp="API2:2023",
        expected="A token ends within 30 days and holds nothing that its bearer may not know.",
        observed=observed,
        why=why,
        advice="Give each token an exp, hours rather than months ahead, and only the claims that the platform reads.",
        parts=("7.3.4.a",),
    )
