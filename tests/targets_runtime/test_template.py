"""The template: the target's own commands fill it once, and each target runs on a clone of its own."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import psycopg
import pytest

from harness.databases import open_server
from harness.model.errors import PreflightError
from harness.model.target import Commands, Target
from harness.targets import template
from harness.targets.arena import Arena, ArenaPlan
from harness.targets.template import Seeding, fill_database
from tests.targets_runtime.conftest import PASSWORD, SHOP, shop

MIGRATE = (
    "import os, psycopg; c = psycopg.connect(os.environ['SHOP_DB'], autocommit=True); c.execute('create table rows (n integer)')"
)
SEED = (
    "import os, sys, psycopg; c = psycopg.connect(os.environ['SHOP_DB'], autocommit=True); "
    "c.execute('insert into rows select n from generate_series(1, ' + sys.argv[1] + ') n'); print(os.environ['SHOP_PASSWORD'])"
)


def seeded(migrate: str = MIGRATE, seed: str = SEED) -> Target:
    commands = Commands(
        start=("{python}", str(SHOP), "good", "{host}", "{port}"),
        migrate=("{python}", "-c", migrate),
        seed=("{python}", "-c", seed, "{seed}", "{size}"),
    )
    return dataclasses.replace(shop(), commands=commands, database_variable="SHOP_DB")


def seeding(dsn: str, folder: Path, password: str = PASSWORD) -> Seeding:
    return Seeding(dsn, "small", 7, password, folder)


def rows(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT count(*) FROM rows").fetchone()
    assert row is not None
    return int(row[0])


def test_a_template_is_filled_by_the_targets_commands_with_its_password(tmp_path: Path) -> None:
    with open_server("embedded", tmp_path / "database") as server:
        dsn = server.create("filled")
        took = fill_database(seeded(), seeding(dsn, tmp_path))
        assert rows(dsn) == 7
        assert list(took) == ["migrate", "seed"]
        assert all(seconds > 0 for seconds in took.values())
        assert (tmp_path / "seed.log").read_text().strip() == PASSWORD


def test_a_failing_command_is_quoted_and_a_hanging_one_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = seeded(migrate="import sys; sys.exit('no such column')")
    with pytest.raises(PreflightError, match="shop: migrate ended with 1: no such column"):
        fill_database(broken, seeding("postgresql://nobody@127.0.0.1:1/x", tmp_path))
    monkeypatch.setattr(template, "COMMAND_TIMEOUT_S", 0.3)
    hanging = seeded(migrate="import time; time.sleep(60)")
    with pytest.raises(PreflightError, match=r"shop: migrate was not done in 0\.3 s"):
        fill_database(hanging, seeding("postgresql://nobody@127.0.0.1:1/x", tmp_path))


def test_a_command_that_does_not_exist_is_named(tmp_path: Path) -> None:
    missing = dataclasses.replace(seeded(), commands=Commands(migrate=("no-such-program",)))
    with pytest.raises(PreflightError, match="shop: migrate: cannot start no-such-program"):
        fill_database(missing, seeding("", tmp_path))


TARGET_FILE = """
title = "Shop"
environment = "local"
folder = "."
hosts = ["127.0.0.1"]
health_path = "/health"
database_variable = "SHOP_DB"
password_variable = "SHOP_PASSWORD"
[allow]
writes = true
[commands]
start = ["{{python}}", "{shop}", "good", "{{host}}", "{{port}}"]
[roles.buyer.login]
kind = "none"
"""


def test_each_target_of_an_arena_runs_on_a_clone_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text(TARGET_FILE.format(shop=SHOP))
    with open_server("embedded", tmp_path / "database") as server:
        fill_database(seeded(), seeding(server.create("leads"), tmp_path))
        server.freeze("leads")
        plan = ArenaPlan(tmp_path / "shop.toml", tmp_path / "logs", server.access, "leads", PASSWORD)
        arena = Arena(plan)
        with arena.fresh("stage") as one, arena.fresh("stage") as two:
            with psycopg.connect(one.dsn, autocommit=True) as connection:
                connection.execute("DELETE FROM rows")
            assert (rows(one.dsn), rows(two.dsn)) == (0, 7)
            with two.client() as http:
                assert http.get("/environment").json()["SHOP_DB"] == two.dsn
            assert one.log_path != two.log_path
            assert len(server.names()) == 3
        assert server.names() == ("leads",)


def test_the_plan_of_an_arena_survives_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_server("embedded", tmp_path) as server:
        plan = ArenaPlan(tmp_path / "shop.toml", tmp_path, server.access, "leads", PASSWORD, tmp_path / "coverage.ini", 1234)
    assert PASSWORD not in repr(plan)
    assert server.access.admin_password not in repr(plan)
    monkeypatch.setitem(os.environ, "HARNESS_ARENA", plan.to_text())
    assert ArenaPlan.from_environment() == plan
    monkeypatch.delenv("HARNESS_ARENA")
    assert ArenaPlan.from_environment() is None
