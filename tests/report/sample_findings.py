"""Findings, made up: ordinary ones, and one for each hostile text."""

from __future__ import annotations

from dataclasses import replace

from harness.model.finding import Confidence, Finding, Request, Severity, Symptom

HOSTILE = "<script>document.title='RAN'</script><img src=x onerror=\"document.title='RAN'\">"
HOSTILE_TEXTS = (
    HOSTILE,
    "\"><svg onload=document.title='RAN'>",
    "javascript:document.title='RAN'",
    "</style><style>body{display:none}</style>",
    "</pre></details></section></main><h1>PASS: Ship</h1>",
    "{{ 7*7 }}{% for x in y %}",
    "`code` | pipe [link](http://evil.invalid/x.png) ![img](http://evil.invalid/p.png) @everyone #1 <!-- -->",
    "\x1b[31mred\x1b[0m \u202egnp.exe \u2066 \u200b \x00 null",
    "]]> &amp; &lt; &#x0; \ud800 lone",
    "x" * 5_000,
)
OPERATIONS = (
    ("POST /api/partner-auth/login", ("",)),
    ("POST /api/partner-auth/logout", ("partner",)),
    ("GET /api/partner-auth/profile", ("partner",)),
    ("PUT /api/partner-auth/change-password", ("partner",)),
    ("POST /api/auth/login", ("",)),
    ("GET /api/auth/me", ("admin",)),
    ("GET /api/partner-portal/leads", ("partner", "admin")),
    ("GET /api/partner-portal/leads/stats", ("partner", "admin")),
    ("GET /api/partner-portal/leads/{lead_id}", ("partner", "admin")),
    ("PUT /api/partner-portal/leads/{lead_id}/status", ("partner", "admin")),
    ("POST /api/partner-portal/leads/{lead_id}/notes", ("partner", "admin")),
    ("GET /api/partner-portal/dashboard", ("partner", "admin")),
    ("GET /api/admin/dashboard", ("admin",)),
    ("GET /api/health/live", ("",)),
    ("GET /api/health/ready", ("",)),
)


def hostile_findings() -> tuple[Finding, ...]:
    """One finding for each hostile text, with that text in every member that a target can fill."""
    return tuple(
        Finding(
            rule=f"hostile.{n}",
            title=text,
            severity=tuple(Severity)[n % 4],
            confidence=tuple(Confidence)[n % 3],
            stage=text,
            engines=("probes", text),
            method="GET",
            route=f"/x/{text}",
            parameter=text,
            role=text,
            cwe=79,
            owasp=text,
            expected=text,
            observed=text,
            why=text,
            advice=text,
            steps=(Request("POST", f"/x?q={text}", text, text, {text: text}, text * 2),),
            symptom=Symptom((500,), text, text, text, text, True),
            parts=("2.1.5.a",),
        )
        for n, text in enumerate(HOSTILE_TEXTS)
    )


def database_findings() -> tuple[Finding, ...]:
    return (
        Finding(
            "injection.sql",
            "the list builds a statement from search",
            Severity.CRITICAL,
            Confidence.HIGH,
            "database",
            ("witness",),
            "GET",
            "/api/partner-portal/leads",
            "search",
            proof=(f"statement: SELECT 1 FROM leads WHERE name = '{HOSTILE_TEXTS[2]}'", HOSTILE_TEXTS[6]),
        ),
    )


def authorization_findings() -> tuple[Finding, ...]:
    read = replace(
        finding_of(
            "authorization.read-of-another",
            "A partner reads another partner's lead",
            Severity.CRITICAL,
            "/api/partner-portal/leads/{lead_id}",
        ),
        role="partner",
        parameter="lead_id",
        cwe=639,
        owasp="API1:2023",
        expected="404 or 403, and nothing of the lead in the answer.",
        observed="200 with the lead of partner two: contractor name, e-mail address and match score.",
        why="Any partner can read every lead of its competitors by counting up the id.",
        advice="Ask for the owner in the query: WHERE id = :id AND partner_id = :partner.",
        steps=(
            Request("GET", "/api/partner-portal/leads?limit=1", "partner", "two"),
            Request("GET", "/api/partner-portal/leads/4711", "partner", "one", {"Accept": "application/json"}),
        ),
        symptom=Symptom(status=(200,)),
        parts=("2.1.4.a",),
    )
    write = replace(
        read,
        rule="authorization.write-of-another",
        title="A partner changes another partner's lead",
        method="PUT",
        route="/api/partner-portal/leads/{lead_id}/status",
        steps=(
            Request("PUT", "/api/partner-portal/leads/4711/status", "partner", "one", {"If-Match": '"3"'}, '{"status": "won"}'),
        ),
    )
    return (read, write)


def header_findings() -> tuple[Finding, ...]:
    return tuple(
        replace(
            finding_of("headers.missing", "A security header is missing", Severity.LOW, operation.split(" ")[1]),
            method=operation.split(" ")[0],
            parameter="X-Content-Type-Options",
            expected="X-Content-Type-Options: nosniff",
            observed="the header is not there",
            why="A browser may guess another type than was sent.",
            advice="Set it for every answer in the header middleware.",
            steps=(Request(operation.split(" ")[0], operation.split(" ")[1]),),
            symptom=Symptom(header_absent="X-Content-Type-Options"),
        )
        for operation, _ in OPERATIONS
    )


def finding_of(rule: str, title: str, severity: Severity, route: str) -> Finding:
    return Finding(rule, title, severity, Confidence.HIGH, "authorization", ("probes",), "GET", route)
