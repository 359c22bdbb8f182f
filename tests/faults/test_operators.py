"""Operators find every place and change it alone; rules that find nothing, or excuse what is not there, are refused."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from harness.config.project import load_project
from harness.faults.catalogue import Choice, choose, load_faults
from harness.faults.generate import load_generator
from harness.faults.operators import OPERATORS
from harness.faults.operators.calls import DroppedCall, KeywordValue
from harness.faults.operators.entries import DroppedEntry
from harness.faults.operators.guards import DroppedGuard
from harness.faults.operators.routes import RouteDependency
from harness.faults.operators.site import Site
from harness.faults.operators.source import Sources
from harness.faults.operators.splice import SplicedParameter
from harness.faults.operators.strings import ReplacedText
from harness.faults.operators.templates import DroppedEscape
from harness.faults.plant import plant
from harness.model.errors import ConfigError
from harness.model.fault import Fault
from harness.model.verdict import Verdict

ROOT = Path(__file__).resolve().parents[2]

CODE = '''"""Statements: WHERE owner = %(owner)s is named in this text, and must stay."""

from shop import Admin

FIND = """
SELECT n.name FROM notes n WHERE n.id = %(id)s AND n.owner = %(owner)s
"""
LIST = f"""SELECT name FROM notes WHERE owner = %(owner)s {FIND} LIMIT %(rows)s"""
HEADERS = {
    # Größe: what follows must not be shifted by characters of two bytes
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin", **{}
}


@router.get("/notes")
async def notes(db, caller: Admin, other: Admin) -> None:
    """The notes."""
    if caller is None:
        raise Forbidden
    if caller.id != db.owner:
        detail = "ü"
        raise Forbidden(detail)
    async with db.transaction() as connection:
        await end(connection, "session")
        response.set_cookie("a", "b", secure=True, httponly=False)


def helper(caller: Admin) -> None:
    connection.execute(FIND, {"id": 1})
'''
PAGE = '<p title="{{ note.title }}">{{ note.body | trim }}</p>{{ parts.icon("x") }}\n<b>{{note.title}}</b>\n'


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    folder = tmp_path / "src" / "shop" / "notes"
    folder.mkdir(parents=True)
    (folder / "code.py").write_text(CODE)
    (folder / "page.html").write_text(PAGE)
    return Sources(tmp_path, "src/shop")


def changed(sources: Sources, site: Site) -> str:
    """The file as it is with the site's edits in it, and back."""
    name = site.edits[0].file
    before = (sources.root / name).read_text()
    plant(Fault("x", "t", "CWE-1", {"tests": Verdict.FAIL}, ("unit",), edits=site.edits), sources.root)
    after = (sources.root / name).read_text()
    (sources.root / name).write_text(before)
    return after


def difference(sources: Sources, site: Site) -> tuple[list[str], list[str]]:
    before, after = (sources.root / site.edits[0].file).read_text().splitlines(), changed(sources, site).splitlines()
    return [line for line in before if line not in after], [line for line in after if line not in before]


def test_text_is_replaced_in_statements_and_not_in_documentation(sources: Sources) -> None:
    found = list(ReplacedText(("*/code.py",), r"(\w+\.)?owner = %\(owner\)s", "TRUE").sites(sources))
    assert [site.name for site in found] == ["notes.code.FIND", "notes.code.LIST"]
    assert difference(sources, found[0])[1] == ["SELECT n.name FROM notes n WHERE n.id = %(id)s AND TRUE"]
    assert found[0].where == "src/shop/notes/code.py:6 `n.owner = %(owner)s`"


def test_a_spliced_parameter_is_written_into_the_statement_by_the_executor(sources: Sources) -> None:
    found = list(SplicedParameter(("*/code.py",), ("*/code.py",)).sites(sources))
    assert [site.name for site in found] == [
        f"notes.code.{name}" for name in ("FIND.id", "FIND.owner", "LIST.owner", "LIST.rows")
    ]
    text = changed(sources, found[0])
    assert "n.id = ~id~ AND n.owner = %(owner)s" in text
    space: dict[str, object] = {}
    helper = next(node for node in ast.parse(text).body if getattr(node, "name", "") == "_with_values_written_in")
    exec(compile(ast.Module([helper], []), "helper", "exec"), space)
    write = space["_with_values_written_in"]
    assert (
        write("x = ~id~ OR y = ~no~ OR z = %(z)s", {"id": "a'b%", "no": None, "z": 1}) == "x = 'a'b%%' OR y = NULL OR z = %(z)s"
    )  # type: ignore[operator]
    assert 'connection.execute(_with_values_written_in(FIND, {"id": 1}), {"id": 1})' in text


def test_a_route_asks_for_something_else_and_other_functions_do_not(sources: Sources) -> None:
    found = list(RouteDependency(("*/code.py",), {"Admin": "_Anybody"}, "_Anybody = object").sites(sources))
    assert [site.name for site in found] == ["notes.code.notes", "notes.code.notes.2"]
    text = changed(sources, found[1])
    assert "def notes(db, caller: Admin, other: _Anybody)" in text
    assert "def helper(caller: Admin)" in text
    assert text.index("_Anybody = object") > text.index("from shop import Admin")


def test_a_guard_never_refuses_and_a_test_for_none_stays(sources: Sources) -> None:
    found = list(DroppedGuard(("*/code.py",), "Forbidden").sites(sources))
    assert [site.name for site in found] == ["notes.code.notes.Forbidden"]
    assert difference(sources, found[0]) == (["    if caller.id != db.owner:"], ["    if False:"])


def test_an_entry_goes_with_its_comma(sources: Sources) -> None:
    found = list(DroppedEntry(("*/code.py",), "-").sites(sources))
    assert [site.name for site in found] == ["notes.code.X-Frame-Options", "notes.code.Referrer-Policy"]
    for site in found:
        ast.parse(changed(sources, site))
    assert difference(sources, found[1])[1] == ["     **{}"]


def test_an_escape_is_dropped_and_macros_are_left_alone(sources: Sources) -> None:
    found = list(DroppedEscape(("*/page.html",), r"^parts\.").sites(sources))
    assert [site.name for site in found] == ["notes.page.note.title", "notes.page.note.body-trim", "notes.page.note.title.2"]
    assert "{{ (note.body | trim) | safe }}" in changed(sources, found[1])
    assert "{{(note.title) | safe}}" in changed(sources, found[2])


def test_keywords_and_statements(sources: Sources) -> None:
    weak = {"secure": "False", "httponly": "False"}
    keywords = list(KeywordValue(("*/code.py",), r"set_cookie$", weak).sites(sources))
    assert [site.name for site in keywords] == ["notes.code.notes.secure"], "what is weak already is no place"
    assert "secure=False, httponly=False" in changed(sources, keywords[0])
    dropped = list(DroppedCall(("*/code.py",), r"\bend\(").sites(sources))
    assert difference(sources, dropped[0]) == (['        await end(connection, "session")'], ["        pass"])


def test_a_glob_that_matches_nothing_is_an_error(sources: Sources) -> None:
    with pytest.raises(ConfigError, match=r"no file matches gone/\*\.py"):
        list(ReplacedText(("gone/*.py",), "x").sites(sources))


RULE = """
source = "src/shop"
[rules.drop-owner]
title = "t"
kind = "CWE-639"
stages = ["authorization"]
must = { authorization = "FAIL" }
"""


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ('[rules.drop-owner.text]\nfiles = ["*/code.py"]\npattern = "no such text"', "finds no place any more"),
        ('[rules.drop-owner.txt]\nfiles = ["*/code.py"]', "names 0 operators"),
        ('[rules.drop-owner.text]\nfiles = ["*/code.py"]\npatern = "x"', 'did you mean "pattern"'),
        (
            '[rules.drop-owner.equivalent]\n"gone" = "reason"\n[rules.drop-owner.text]\nfiles = ["*/code.py"]\npattern = "owner"',
            'no place is called "gone"',
        ),
    ],
)
def test_a_rule_that_is_wrong_or_outdated_is_refused(sources: Sources, rest: str, said: str) -> None:
    folder = sources.root / "faults"
    folder.mkdir()
    (folder / "operators.toml").write_text(RULE + rest)
    with pytest.raises(ConfigError) as caught:
        load_generator(folder).faults(sources.root)
    assert said in f"{caught.value} {caught.value.hint}"


def test_an_equivalent_place_is_listed_with_its_reason_and_never_drawn(sources: Sources) -> None:
    folder = sources.root / "faults"
    folder.mkdir()
    excuse = "[rules.drop-owner.equivalent]\n'.*LIST' = \"nobody calls it\"\n"
    (folder / "operators.toml").write_text(RULE + excuse + '[rules.drop-owner.text]\nfiles = ["*/code.py"]\npattern = "owner = "')
    faults = load_generator(folder).faults(sources.root)
    assert [(fault.name, fault.equivalent) for fault in faults] == [
        ("drop-owner@notes.code.FIND", ""),
        ("drop-owner@notes.code.LIST", "nobody calls it"),
    ]
    assert [fault.name for fault in choose(faults, Choice(sample=5))] == ["drop-owner@notes.code.FIND"]


@pytest.fixture(scope="module")
def faults() -> tuple[Fault, ...]:
    return load_faults(ROOT, load_project(ROOT))


def test_a_sample_is_the_same_for_the_same_seed(faults: tuple[Fault, ...]) -> None:
    assert choose(faults, Choice(sample=7, seed=3)) == choose(faults, Choice(sample=7, seed=3))
    assert choose(faults, Choice(sample=7, seed=3)) != choose(faults, Choice(sample=7, seed=4))


def test_faults_are_chosen_by_operator_and_stage(faults: tuple[Fault, ...]) -> None:
    chosen = choose(faults, Choice(operator="drop-owner", stage="authorization"))
    assert chosen
    assert {fault.operator for fault in chosen} == {"drop-owner"}
    with pytest.raises(ConfigError, match='no "drop-ownr"'):
        choose(faults, Choice(operator="drop-ownr"))


def test_every_generated_fault_has_a_name_of_its_own(faults: tuple[Fault, ...]) -> None:
    names = [fault.name for fault in faults]
    assert len(names) == len(set(names))


def test_every_operator_is_used_by_a_rule_and_says_what_it_is() -> None:
    used = {type(operator) for _, operator in load_generator(ROOT / "faults").rules}
    assert set(OPERATORS.values()) == used
    assert all(isinstance(operator, type) and operator.__doc__ for operator in OPERATORS.values())


def test_the_harness_itself_names_nothing_of_the_platform() -> None:
    for path in (ROOT / "src" / "harness" / "faults").rglob("*.py"):
        assert "tpe" not in path.read_text().lower().replace("httpexcept", ""), path


def test_a_name_may_stand_for_many(faults: tuple[Fault, ...]) -> None:
    chosen = choose(faults, Choice(("drop-owner@*", "missing-header")))
    assert {fault.operator for fault in chosen} == {"drop-owner", ""}
    assert len(chosen) > 3
