"""Who may call an operation: what the target file and the document say, and what is left to observation.

In this order, the first that tells:

1. the target file's hint (`roles` of the operation; an empty list means everybody);
2. the operation's own words in an extension (`x-roles: [admin]`);
3. the document's security: nobody is asked; or the alternatives that the role's credential satisfies. Which schemes it satisfies
   is said by the role (`security`), else inferred: by how the credential is sent (bearer, cookie, key) and, where several schemes
   are sent alike, by the role whose name a scheme bears (`partnerBearer`); scopes that bear roles' names count too;
   the schemes say nothing of roles whose credentials satisfy the same ones;
4. words that reserve it for a privileged role (a path segment `admin`, "admin only" in its description), or for roles of the
   target file ("For dispatchers only."): a suspicion;
5. nothing: a credential is asked for, and the document does not say of whom. Then what the target does is taken as what it means.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from harness.model.target import Role, Target
from harness.probes.openapi.document import Document
from harness.probes.openapi.operations import Operation, Requirement, SecurityScheme


class Basis(StrEnum):
    """What a permission rests on."""

    HINT = "the target file"
    EXTENSION = "the document (x-roles)"
    PUBLIC = "the document asks for no credential"
    SECURITY = "the document's security"
    WORDS = "its path or description reserves it for a privileged role"
    OBSERVED = "the document does not say which role; what the target does is taken as meant"


@dataclass(frozen=True)
class Permission:
    """Whether a role may call an operation. `permitted` None: only the target's own behaviour tells."""

    permitted: bool | None
    basis: Basis

    @property
    def is_certain(self) -> bool:
        """Whether a document or a person said so, rather than a word that suggests it."""
        return self.basis not in (Basis.WORDS, Basis.OBSERVED)


_SCOPE = r"(?:platform|system|site|global|organi[sz]ation|tenant|company|branch|team|account|workspace|project)"
_ITEM = rf"(?:an?\s+|the\s+)?(?:{_SCOPE}\s+)?\w+"
_SEPARATOR = r"\s*(?:,\s*(?:and\b|or\b)|,|/|&|\band\b|\bor\b)\s*"
_EXTENSIONS = ("x-roles", "x-role", "x-allowed-roles", "x-required-roles", "x-required-role", "x-required-permissions")
_PRIVILEGED = re.compile(
    r"^(admin|administrator|superuser|superadmin|root|staff|moderator|backoffice|internal|operator)s?$", re.I
)
_PRIVILEGED_SEGMENT = re.compile(
    r"^(admin|administrator|administration|superuser|backoffice|back-office|staff|management)s?$", re.I
)
_RESERVED_WORDS = re.compile(
    r"\b(only|requires?|restricted to|for|must be)\b[^.\n]{0,24}\b(admins?|administrators?|superusers?|staff|moderators?)\b"
    r"|\b(admins?|administrators?|superusers?|staff|moderators?)\b[^.\n]{0,12}\bonly\b",
    re.I,
)


class Permissions:
    """The permissions of one document on one target."""

    def __init__(self, document: Document, target: Target) -> None:
        self._document, self._target = document, target
        self._kept: dict[str, frozenset[str]] = {}
        self._satisfied = {role.name: satisfied_schemes(role, document, target) for role in target.roles}

    def schemes_of(self, role: str) -> frozenset[str]:
        """The document's security schemes that the role's credential satisfies."""
        return self._satisfied[role]

    def of(self, operation: Operation, role: Role | None) -> Permission:
        """Whether `role` may call the operation; None is somebody without a credential."""
        hinted = self._target.hint(operation.name).roles
        if hinted is not None:
            return Permission(not hinted or (role is not None and role.name in hinted), Basis.HINT)
        named = _named_roles(operation, self._target.role_names)
        if named and operation.is_secured:
            return Permission(role is not None and role.name in named, Basis.EXTENSION)
        if not operation.is_secured:
            return Permission(True, Basis.PUBLIC)
        if role is None:
            return Permission(False, Basis.SECURITY)
        return self._by_security(operation, role)

    def _by_security(self, operation: Operation, role: Role) -> Permission:
        own = self._satisfied[role.name]
        alternatives = [requirement for requirement in operation.security if requirement.schemes.keys() <= own]
        if not alternatives:
            return Permission(False, Basis.SECURITY)
        in_scope = [self._in_scope(requirement, role) for requirement in alternatives]
        if True in in_scope:
            return Permission(True, Basis.SECURITY)
        if None not in in_scope:
            return Permission(False, Basis.SECURITY)
        if self._role_schemes(operation) and not self._is_sent_as_another(role):
            return Permission(True, Basis.SECURITY)
        said = self._by_words(operation, role)
        return Permission(said, Basis.OBSERVED if said is None else Basis.WORDS)

    def _by_words(self, operation: Operation, role: Role) -> bool | None:
        """What is written beside the operation: that it is for the role, that it is not, or nothing of it."""
        named = self._kept_for(operation)
        if role.name in named:
            return True
        if is_reserved(operation, role.name) and not is_privileged(role, self._target):
            return False
        stands_above = bool(named) and role.rank > max(self._target.role(name).rank for name in named)
        return None if not named or stands_above else False

    def _is_sent_as_another(self, role: Role) -> bool:
        """Whether another role's credential satisfies the same schemes: then they do not tell the two apart anywhere."""
        same = [name for name, satisfied in self._satisfied.items() if satisfied == self._satisfied[role.name]]
        return len(same) > 1

    def _kept_for(self, operation: Operation) -> frozenset[str]:
        """The roles for which its words keep an operation ("For dispatchers only."); who stands higher may do as much."""
        if operation.name not in self._kept:
            listed = listed_roles(operation, self._target.role_names)
            named = (name for name in self._target.role_names if is_kept_for(operation, name))
            self._kept[operation.name] = frozenset((*listed, *named))
        return self._kept[operation.name]

    def _in_scope(self, requirement: Requirement, role: Role) -> bool | None:
        """Whether the scopes name this role; None where they name no role at all."""
        scopes = {scope for scopes in requirement.schemes.values() for scope in scopes}
        named = {name for name in self._target.role_names for scope in scopes if _bears(scope, name)}
        return role.name in named if named else None

    def _role_schemes(self, operation: Operation) -> bool:
        """Whether the schemes tell roles apart: some role of the target satisfies none of the alternatives."""
        return (
            any(
                not any(requirement.schemes.keys() <= self._satisfied[name] for requirement in operation.security)
                for name in self._target.role_names
            )
            or self._distinct_schemes()
        )

    def _distinct_schemes(self) -> bool:
        """Whether the document tells roles apart anywhere: then an operation that admits several roles means it."""
        return len({self._satisfied[name] for name in self._target.role_names}) > 1


def is_privileged(role: Role, target: Target) -> bool:
    """Whether a role stands above others: by its name, or because it alone has the highest rank."""
    if _PRIVILEGED.match(role.name):
        return True
    ranks = {other.rank for other in target.roles}
    return len(ranks) > 1 and role.rank == max(ranks)


def is_reserved(operation: Operation, role: str) -> bool:
    """Whether its path or description reserves an operation for a privileged role, and lists `role` with none of these.

    "Only staff and owners …" keeps nothing from owners.
    """
    if any(_PRIVILEGED_SEGMENT.match(segment) for segment in operation.path.split("/")):
        return True
    reserving = [sentence for sentence in _sentences(operation) if _RESERVED_WORDS.search(sentence)]
    return any(not _lists_with_privileged(sentence, role) for sentence in reserving)


def _lists_with_privileged(sentence: str, role: str) -> bool:
    """Whether a sentence names the role beside a privileged one, both in one list: not as what an admin deletes."""
    for listed in re.finditer(rf"{_ITEM}(?:{_SEPARATOR}{_ITEM})+", sentence, re.I):
        items = [re.split(r"\s+", item.strip())[-1] for item in re.split(_SEPARATOR, listed[0], flags=re.I)]
        if any(_PRIVILEGED.match(item) for item in items) and any(_word(role) in _words(item) for item in items):
            return True
    return False


def _sentences(operation: Operation) -> list[str]:
    return [part.strip() for part in re.split(r"[.;\n]+", f"{operation.summary}\n{operation.description}") if part.strip()]


def listed_roles(operation: Operation, roles: tuple[str, ...]) -> frozenset[str]:
    """The roles of a sentence of the description that is a list of roles and nothing else: "Members, staff and owners."."""
    for sentence in re.split(r"[.;\n]+", operation.description):
        parts = [part for part in re.split(_SEPARATOR, sentence.strip(), flags=re.I) if part]
        meant = [next((role for role in roles if _is_called(part, role)), "") for part in parts]
        if len(parts) > 1 and all(meant):
            return frozenset(meant)
    return frozenset()


def _is_called(part: str, role: str) -> bool:
    """Whether a part of a list names the role, what it is a role of before it or not ("platform admins")."""
    bare = re.sub(rf"^(?:an?\s+|the\s+)?(?:{_SCOPE}\s+)?", "", part.strip(), flags=re.I)
    return " " not in bare and _word(role) in _words(bare)


def is_kept_for(operation: Operation, role: str) -> bool:
    """Whether an operation's words keep it for the role of that name, alone or with others.

    What a sentence says of objects is no such word: "customers see their own orders only".
    """
    name = rf"(?:an?\s+|the\s+)?(?:{_SCOPE}\s+)?{re.escape(role)}(?:e?s)?"  # "platform admins"
    roles = rf"(?:{_ITEM}{_SEPARATOR})*\b{name}(?:{_SEPARATOR}{_ITEM})*"
    end = r"\s*(?:[.,;:)\n]|$|\bmay\b|\bcan\b)"
    patterns = (
        rf"(?:^|[.\n(;:]\s*|\bfor\s+){roles}\s+only{end}",
        rf"(?:^|[.\n(;:]\s*)only\s+{roles}{end}",
        rf"\bonly\s+(?:for|by|to)\s+{roles}{end}",
        rf"\b(?:restricted|reserved|limited)\s+(?:to|for)\s+{roles}{end}",
        rf"\brequires?\s+(?:the\s+)?(?:role\s+)?{roles}(?:\s+role)?{end}",
        rf"\bmust\s+be\s+{roles}{end}",
        rf"(?:^|[.\n(;]\s*)(?:(?:allowed|permitted|required)\s+)?(?:roles?|access)\s*:\s*{roles}{end}",
    )
    text = f"{operation.summary}\n{operation.description}"
    return any(re.search(pattern, text, re.I) for pattern in patterns)


def _named_roles(operation: Operation, roles: tuple[str, ...]) -> set[str]:
    named: set[str] = set()
    for key in _EXTENSIONS:
        value = operation.extensions.get(key)
        for text in value if isinstance(value, list) else [value]:
            named |= {role for role in roles if isinstance(text, str) and _bears(text, role)}
    return named


def _bears(text: str, role: str) -> bool:
    """Whether a name (`partnerBearer`, `admin:write`, `ROLE_ADMIN`) bears a role's name as one of its words."""
    return _word(role) in _words(text)


def _word(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _words(text: str) -> set[str]:
    parts = [part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", text)]
    pairs = {first + second for first, second in pairwise(parts)}
    return {part for word in (*parts, *pairs) for part in (word, word.removesuffix("s"))}


def satisfied_schemes(role: Role, document: Document, target: Target) -> frozenset[str]:
    """The security schemes that a role's credential satisfies: what the role says, else what can be inferred."""
    if role.security:
        return frozenset(role.security)
    if role.login.kind == "none":
        return frozenset()
    alike = {name for name, scheme in document.schemes.items() if _sent_alike(role, scheme)}
    own = {name for name in alike if _bears(name, role.name)}
    above = {name for name in alike - own if _bears_any(name, _ranked(target, role, above=True))}
    below = {name for name in alike - own - above if _bears_any(name, _ranked(target, role, above=False))}
    if own:
        return frozenset(alike - above - below)
    return frozenset(alike - above) or frozenset(alike)  # `userAuth` may well mean every user, an admin too


def _ranked(target: Target, role: Role, *, above: bool) -> tuple[str, ...]:
    """Names of the other roles: those that stand above or beside this one, or those below it."""
    others = [other for other in target.roles if other.name != role.name]
    return tuple(other.name for other in others if (other.rank >= role.rank) == above)


def _bears_any(name: str, roles: Iterable[str]) -> bool:
    return any(_bears(name, role) for role in roles)


def _sent_alike(role: Role, scheme: SecurityScheme) -> bool:
    """Whether the role sends its credential the way that the scheme asks for."""
    login = role.login
    if scheme.kind == "apiKey":
        if scheme.where == "cookie":
            return bool(login.cookie) and login.cookie.lower() == scheme.parameter.lower()
        sent = [*login.send, *([] if login.cookie else [login.header])]  # a cookie's role may send a token against forgery too
        return scheme.where == "header" and scheme.parameter.lower() in (name.lower() for name in sent)
    if login.cookie or login.header.lower() != "authorization":
        return False
    basic = login.value.lower().startswith("basic")
    if scheme.kind == "http":
        return basic == (scheme.scheme == "basic")
    return scheme.kind in ("oauth2", "openIdConnect") and not basic


def by_role(document: Document, target: Target) -> Mapping[str, tuple[str, ...]]:
    """Operations that each role may call, or may be able to call (the document does not tell), by role name."""
    permissions = Permissions(document, target)
    return {
        role.name: tuple(op.name for op in document.operations if permissions.of(op, role).permitted is not False)
        for role in target.roles
    }
