"""The variables are those that are documented, and staging differs from production only where it says so."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.config.targets import read_toml
from tpe.profiles import SECRETS, STAGING_DIFFERENCES
from tpe.settings import Settings
from tpe.variables import OTHERS, documented_variables

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "reference" / "variables.md"
PROFILES = ROOT / "deploy" / "profiles"

pytestmark = pytest.mark.usefixtures("reference_source")


def documented() -> set[str]:
    table = PAGE.read_text(encoding="utf-8").partition("## Staging")[0]
    return set(re.findall(r"^\| `([A-Z0-9_]+)` \|", table, re.MULTILINE))


def read_by_settings() -> set[str]:
    return set(Settings.model_fields)


def settings_models(source: Path) -> Iterator[str]:
    """Every class of the source that reads the environment by being settings."""
    for path in source.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and any(ast.unparse(base).endswith("Settings") for base in node.bases):
                yield node.name


def _constants(tree: ast.Module) -> Iterator[tuple[str, object]]:
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Constant):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                yield ast.unparse(target), node.value.value


def read_otherwise(source: Path) -> set[str]:
    """Every name that the source looks up in `os.environ` or with `getenv`, constants of the module resolved."""
    found: set[str] = set()
    for path in source.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = dict(_constants(tree))
        for node in ast.walk(tree):
            asks = isinstance(node, ast.Call) and re.search(r"environ\.get$|getenv$", ast.unparse(node.func))
            takes = isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("environ")
            if asks or takes:
                key = node.args[0] if isinstance(node, ast.Call) else node.slice  # type: ignore[union-attr]
                found.add(
                    str(key.value) if isinstance(key, ast.Constant) else str(constants.get(ast.unparse(key), ast.unparse(key)))
                )
    return found


@pytest.mark.proves("1.1.3.a")
def test_every_variable_that_is_read_is_documented_and_every_documented_one_is_read(reference_source: Path) -> None:
    assert set(settings_models(reference_source)) == {"Settings", "DatabaseSettings", "SharedSettings"}
    assert read_otherwise(reference_source) == set(OTHERS)
    assert documented() == read_by_settings() | set(OTHERS)


@pytest.mark.proves("1.1.3.a")
def test_the_page_is_the_one_that_the_settings_make() -> None:
    assert PAGE.read_text(encoding="utf-8") == documented_variables(), "run: tpe variables --write docs/reference/variables.md"


@pytest.mark.proves("1.1.3.a")
def test_the_25_names_of_the_phase_4_document_are_read() -> None:
    wanted = set(read_toml(ROOT / "ledger" / "phase4.toml")["variables"])
    assert len(wanted) == 25
    assert wanted - read_by_settings() == set()


def profile(name: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings that a profile makes by itself, its secrets left out."""
    for variable in read_by_settings():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("JWT_SECRET", "k" * 64)
    return Settings(_env_file=PROFILES / f"{name}.env")  # type: ignore[call-arg]


@pytest.mark.proves("1.1.2.a")
def test_staging_differs_from_production_in_the_documented_values_and_in_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    production, staging = profile("production", monkeypatch), profile("staging", monkeypatch)
    assert (production.NODE_ENV, staging.NODE_ENV) == ("production", "staging")
    assert production.model_fields_set == staging.model_fields_set
    different = {name for name in Settings.model_fields if getattr(production, name) != getattr(staging, name)}
    assert different == set(STAGING_DIFFERENCES)


@pytest.mark.proves("1.1.1.a")
@pytest.mark.parametrize("name", ["production", "staging"])
def test_a_profile_holds_no_secret(name: str) -> None:
    text = (PROFILES / f"{name}.env").read_text(encoding="utf-8")
    given = set(re.findall(r"^([A-Z0-9_]+)=", text, re.MULTILINE))
    assert given
    assert given & {*SECRETS, "DATABASE_URL"} == set()
    assert given <= set(Settings.model_fields)


@pytest.mark.parametrize("name", ["production", "staging"])
def test_a_profile_names_the_proxies_before_it_as_all_clients_would_count_as_one_without(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = profile(name, monkeypatch)
    assert str(settings.FRONTEND_URL).startswith("https:"), "TLS ends at a proxy"
    assert settings.TRUSTED_PROXIES
