"""Rules of ZAP that mean what one of our own rules means: the same defect has one fingerprint, whichever of them found it.

Only rules of one meaning stand here, and only where both name the same place; a rule that sees more, or something else of the
same header, keeps ZAP's number. Numbers and names: https://www.zaproxy.org/docs/alerts/.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.engines.zap.model import Alert


@dataclass(frozen=True)
class OwnRule:
    """How the harness calls what a rule of ZAP finds.

    `parameter` is the name that our findings give, `None` where it is the parameter that ZAP names too. `has_role` says whether
    our findings name a role: `None` where they do unless the operation is open to everybody.
    """

    rule: str
    parameter: str | None = None
    has_role: bool | None = None


_SQL, _COMMAND, _TEMPLATE = OwnRule("injection.sql"), OwnRule("injection.command"), OwnRule("injection.template")
_MARKUP = OwnRule("injection.markup")
OWN_RULES = {
    "6": OwnRule("injection.path"),  # Path Traversal
    "10010": OwnRule("cookies.without-httponly", has_role=True),
    "10011": OwnRule("cookies.without-secure", has_role=True),
    "10020": OwnRule("headers.framing", "X-Frame-Options", has_role=False),
    "10021": OwnRule("headers.nosniff", "X-Content-Type-Options", has_role=False),
    "10035": OwnRule("headers.hsts", "Strict-Transport-Security", has_role=False),
    "10036": OwnRule("headers.discloses-server", "Server", has_role=False),
    "10037": OwnRule("headers.discloses-x-powered-by", "X-Powered-By", has_role=False),
    "10038": OwnRule("headers.csp", "Content-Security-Policy", has_role=False),  # not set; 10055 also minds styles
    "10054": OwnRule("cookies.without-samesite", has_role=True),
    "10061": OwnRule("headers.discloses-x-aspnet-version", "X-Aspnet-Version", has_role=False),
    "20019": OwnRule("abuse.open-redirect", has_role=False),  # External Redirect
    "40012": _MARKUP,  # Cross Site Scripting (Reflected)
    "40014": _MARKUP,  # Cross Site Scripting (Persistent)
    "40018": _SQL,
    "40019": _SQL,  # MySQL, by time
    "40020": _SQL,  # Hypersonic SQL, by time
    "40021": _SQL,  # Oracle, by time
    "40022": _SQL,  # PostgreSQL, by time
    "40024": _SQL,  # SQLite
    "40027": _SQL,  # MsSQL, by time
    "40046": OwnRule("abuse.outgoing-call"),  # Server Side Request Forgery
    "90020": _COMMAND,
    "90022": OwnRule("exposure.internals", "", has_role=False),  # Application Error Disclosure
    "90023": OwnRule("abuse.xml-external-entity", ""),
    "90035": _TEMPLATE,
    "90036": _TEMPLATE,  # blind
    "90037": _COMMAND,  # by time
}
_COOKIES = frozenset(plugin for plugin, own in OWN_RULES.items() if own.rule.startswith("cookies."))
_SERVER_WIDE = frozenset(
    ("10010", "10011", "10015", "10020", "10021", "10035", "10036", "10037", "10038", "10049", "10054", "10061", "10063", "90004")
)
_HEADERS = {"10063": "Permissions-Policy"}  # of the rules that name no parameter
_BESIDE = frozenset(("10202",))
"""Rules whose evidence stands in a sound answer too: the form that lacks a token."""
_QUOTED = re.compile(r"«(.+)»")


def own_rule(alert: Alert) -> OwnRule:
    """What the harness calls the defect of an alert: `zap.<plugin>` where no rule of ours means it."""
    own = OWN_RULES.get(alert.plugin)
    if own is None or (alert.plugin == "90022" and alert.evidence.startswith("HTTP/")):  # a bare status shows nothing inside
        return OwnRule(check_of(alert))
    return own


def check_of(alert: Alert) -> str:
    """What a scan says that it examined where the rule of this alert ran."""
    return f"zap.{alert.plugin}"


def parameter_of(alert: Alert, own: OwnRule) -> str:
    """The parameter as our findings name it; ZAP quotes those of a path: `«id»`."""
    if own.parameter is not None:
        return own.parameter
    quoted = _QUOTED.fullmatch(alert.parameter)
    name = quoted[1] if quoted else alert.parameter
    return name.lower() if name.lower().startswith("header ") else name


def is_server_wide(alert: Alert) -> bool:
    """Whether one setting of the server mends it everywhere: headers, cookies. One cause, so one finding without a route.

    A cookie that a log-in sets is that log-in's own.
    """
    return alert.plugin in _SERVER_WIDE and not (alert.plugin in _COOKIES and alert.method == "POST")


def header_of(alert: Alert) -> str:
    """The header of the answer that an alert is about; "" where it is about something else, a cookie included."""
    if alert.plugin not in _SERVER_WIDE or alert.plugin in _COOKIES:
        return ""
    own = OWN_RULES.get(alert.plugin)
    return (own.parameter if own else None) or alert.parameter or _HEADERS.get(alert.plugin, "")


def shows_the_defect(alert: Alert) -> bool:
    """Whether the evidence is gone from the answer once the defect is mended; the name of a cookie without its flag is not."""
    return alert.plugin not in _COOKIES | _BESIDE
