"""Which checks name which parts of the ledger, read from the sources of the suites without running them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.config.decode import nearest
from harness.ledger.rows import part_names
from harness.model.errors import ConfigError
from harness.model.ledger import Requirement

MARK = "proves"


@dataclass(frozen=True)
class NamedCheck:
    """One place in a suite that names parts by `@pytest.mark.proves("2.1.3.a")`.

    `check` is `suites/security/test_limits.py::test_name` (or the file alone for a mark of the whole module); `needs` is what
    its stage needs of the target, `()` where it needs nothing.
    """

    check: str
    parts: tuple[str, ...]
    needs: tuple[str, ...] = ()


def scan(root: Path, folder: str, *, needs: Sequence[str] = ()) -> tuple[NamedCheck, ...]:
    """Every check below `root/folder` that names parts, in the order of the files.

    Raises:
        ConfigError: a file is not Python, or a mark names its parts by anything but literal text, so that nobody can tell which.
    """
    files = sorted((root / folder).rglob("*.py"))
    return tuple(check for path in files for check in _scan_file(path, path.relative_to(root).as_posix(), tuple(needs)))


def check_names(requirements: Iterable[Requirement], checks: Iterable[NamedCheck]) -> None:
    """Refuses checks that name a part which the ledger does not have.

    Raises:
        ConfigError: naming each of them with the nearest part that exists.
    """
    valid = part_names(requirements)
    strays = [(check, part) for check in checks for part in check.parts if part not in valid]
    if strays:
        lines = [f'{check.check}: proves "{part}", which is no part of the ledger' for check, part in strays]
        raise ConfigError("\n".join(lines), hint="; ".join(dict.fromkeys(nearest(part, valid) for _, part in strays)))


def unnamed_parts(requirements: Iterable[Requirement], checks: Iterable[NamedCheck]) -> tuple[str, ...]:
    """Parts that no check names: nothing can prove them yet. Live parts are not among them: an account is another matter."""
    named = {part for check in checks for part in check.parts}
    return tuple(part.id for row in requirements for part in row.parts if part.id not in named)


def _scan_file(path: Path, name: str, needs: tuple[str, ...]) -> Iterator[NamedCheck]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=name)
    except (SyntaxError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name}: not Python: {error}") from error
    for owner, calls in _marks(tree, name):
        if parts := tuple(dict.fromkeys(part for call in calls for part in _parts(call, name))):
            yield NamedCheck(owner, parts, needs)


def _marks(tree: ast.AST, owner: str) -> Iterator[tuple[str, list[ast.Call]]]:
    """The marks of a scope and, below them, those of its classes and functions."""
    calls: list[ast.Call] = []
    scopes: list[tuple[str, ast.AST]] = []
    front = list(ast.iter_child_nodes(tree))
    while front:  # ends: a tree has finitely many nodes, each is entered once
        node = front.pop(0)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            scopes.append((f"{owner}::{node.name}", node))
            continue
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == MARK:
            calls.append(node)
        front.extend(ast.iter_child_nodes(node))
    if calls:
        yield owner, calls
    for name, scope in scopes:
        yield from _marks(scope, name)


def _parts(call: ast.Call, name: str) -> Iterator[str]:
    for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
        if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
            raise ConfigError(
                f"{name}:{call.lineno}: {MARK}({ast.unparse(argument)}): wanted the part's id as literal text",
                hint=f'write @pytest.mark.{MARK}("2.1.3.a"), so that the ledger can be checked without running the suite',
            )
        yield argument.value
