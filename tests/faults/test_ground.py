"""Faults that leave the data alone share one seeded database; the others seed for themselves."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from harness.config.project import load_project
from harness.databases import open_server
from harness.faults.digest import code_digest, fault_digest
from harness.faults.generate import load_generator
from harness.faults.ground import Ground
from harness.model.fault import Edit, Fault
from harness.model.verdict import Verdict
from harness.targets.lent import LENT_VARIABLE, LentDatabase

ROOT = Path(__file__).resolve().parents[2]
BASE = Fault("x", "a title", "CWE-1", {"tests": Verdict.FAIL}, ("unit",))


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("ground")
    with open_server("embedded", folder) as server:
        yield Ground(ROOT, load_project(ROOT), load_generator(ROOT / "faults"), server, folder)


def test_faults_of_the_code_share_one_seeded_database(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ground.for_fault(dataclasses.replace(BASE, edits=(Edit("src/tpe/leads/queries.py", "x", old="y"),)))
    assert first is not None
    assert ground.for_fault(BASE) is first
    monkeypatch.setenv(LENT_VARIABLE, first.to_text())
    borrowed = LentDatabase.from_environment()
    assert borrowed == first, "a run gets it through its environment"
    with psycopg.connect(ground.server.clone(first.template, "borrowed")) as connection:
        assert connection.execute("SELECT count(*) > 0 FROM partners").fetchone() == (True,)


@pytest.mark.parametrize(
    "file", ["src/tpe/migrations/versions/r0001_base_tables.py", "src/tpe/seed/plan.py", "src/tpe/settings.py"]
)
def test_a_fault_of_the_data_seeds_for_itself(ground: Ground, file: str) -> None:
    assert ground.for_fault(dataclasses.replace(BASE, edits=(Edit(file, "x", old="y"),))) is None


def test_a_database_is_borrowed_only_for_the_same_data(ground: Ground) -> None:
    lent = ground.for_fault(BASE)
    assert lent is not None
    assert lent.fits(lent.size, lent.seed)
    assert not lent.fits("medium", lent.seed)
    assert not lent.fits(lent.size, lent.seed + 1)
    assert lent.password not in repr(lent)


def test_a_digest_changes_with_the_fault_and_with_the_code() -> None:
    code = code_digest(ROOT)
    assert fault_digest(BASE, code) == fault_digest(BASE, code)
    assert fault_digest(BASE, code) != fault_digest(dataclasses.replace(BASE, stages=("contract",)), code)
    assert fault_digest(BASE, code) != fault_digest(BASE, code + "0")
