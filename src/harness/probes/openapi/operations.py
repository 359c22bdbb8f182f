"""What an OpenAPI document says of its operations: the nouns. References at the surface are resolved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from harness.probes.openapi.schemas import JsonSchema

Place = Literal["path", "query", "header", "cookie"]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "QUERY"})  # RFC 9110 section 9.2.1, and QUERY


@dataclass(frozen=True)
class Problem:
    """A part of the document that cannot be used, and why: named, never a crash."""

    where: str  # "GET /x parameter 2", "components/securitySchemes/a"
    text: str


@dataclass(frozen=True)
class Parameter:
    """One parameter. `schema` may still hold references inside; `declared` is false for one that only the path shows."""

    name: str
    where: Place
    required: bool
    schema: JsonSchema
    examples: tuple[Any, ...] = ()
    declared: bool = True
    description: str = ""


@dataclass(frozen=True)
class Body:
    """A request body of one media type."""

    media_type: str
    schema: JsonSchema
    required: bool = False
    examples: tuple[Any, ...] = ()

    @property
    def is_json(self) -> bool:
        """`application/json` or `…+json`."""
        return is_json_type(self.media_type)


@dataclass(frozen=True)
class Response:
    """A declared answer. `status` is as the document writes it: "200", "4XX", "default"."""

    status: str
    media_types: tuple[str, ...]
    schema: JsonSchema = field(default_factory=dict)  # of the first JSON media type
    headers: tuple[str, ...] = ()


@dataclass(frozen=True)
class SecurityScheme:
    """How a credential is sent. `where` and `parameter` are set for API keys, `scheme` for HTTP ("bearer", "basic")."""

    name: str
    kind: str  # http, apiKey, oauth2, openIdConnect, mutualTLS
    scheme: str = ""
    where: str = ""
    parameter: str = ""
    description: str = ""


@dataclass(frozen=True)
class Requirement:
    """One alternative of an operation's security: all named schemes, each with its scopes. Empty: nobody is asked."""

    schemes: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Operation:
    """One method on one path template. `security` are alternatives; none at all means that no credential is asked for."""

    method: str
    path: str
    operation_id: str = ""
    summary: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    bodies: tuple[Body, ...] = ()
    security: tuple[Requirement, ...] = ()
    security_declared: bool = False  # by the operation or the document; false: the document is silent
    responses: tuple[Response, ...] = ()
    deprecated: bool = False
    extensions: dict[str, Any] = field(default_factory=dict)  # x-…

    @property
    def name(self) -> str:
        """`"GET /api/x/{id}"`: how hints, cells and findings call it."""
        return f"{self.method} {self.path}"

    @property
    def is_safe(self) -> bool:
        """Whether the method promises to change nothing."""
        return self.method in SAFE_METHODS

    @property
    def is_secured(self) -> bool:
        """Whether the document demands a credential: there are alternatives, and none of them is empty."""
        return bool(self.security) and all(requirement.schemes for requirement in self.security)

    @property
    def body(self) -> Body | None:
        """The body to send: JSON where there is a choice."""
        return next((body for body in self.bodies if body.is_json), self.bodies[0] if self.bodies else None)

    def parameter(self, name: str, where: str = "") -> Parameter | None:
        """The parameter of that name (and place), or None."""
        return next((p for p in self.parameters if p.name == name and where in ("", p.where)), None)

    def placed(self, where: Place) -> tuple[Parameter, ...]:
        """The parameters of one place, in the document's order."""
        return tuple(parameter for parameter in self.parameters if parameter.where == where)

    def declares(self, status: int) -> bool:
        """Whether the document names this status for the operation, by number, by class ("4XX") or by `default`."""
        names = {str(status), f"{status // 100}XX", "default"}
        return any(response.status.upper() in names or response.status in names for response in self.responses)


def only_redirects(operation: Operation) -> bool:
    """Whether a redirect is all the success that the document declares: then it is one."""
    statuses = {response.status[:1] for response in operation.responses}
    return "3" in statuses and "2" not in statuses


def is_json_type(media_type: str) -> bool:
    """Whether a media type (with or without parameters) is JSON."""
    essence = media_type.split(";")[0].strip().lower()
    return essence in ("application/json", "text/json") or essence.endswith("+json")
