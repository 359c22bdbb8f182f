"""The decoder: what it accepts, and that each mistake is named with its key."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import pytest

from harness.config.decode import decode, nearest
from harness.model.errors import ConfigError
from harness.model.secret import MAY_HOLD_SECRET, SECRET


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Wheel:
    name: str
    size_mm: int = 700


@dataclass(frozen=True)
class Car:
    title: str
    colour: Colour = Colour.RED
    fuel: Literal["petrol", "electric"] = "petrol"
    doors: int = 4
    weight_t: float = 1.0
    sold: bool = False
    manual: Path | None = None
    built: date | None = None
    wheels: tuple[Wheel, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)
    key: str = field(default="", repr=False, metadata=SECRET)
    settings: dict[str, str] = field(default_factory=dict, metadata=MAY_HOLD_SECRET)


def read(environ: dict[str, str] | None = None, **data: Any) -> Car:
    return decode(Car, {"title": "Beetle", **data}, "car.toml", base=Path("/cars"), environ=environ or {})


def refusal(environ: dict[str, str] | None = None, **data: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        read(environ, **data)
    return str(caught.value)


def test_every_supported_type_is_read() -> None:
    car = read(
        colour="blue",
        fuel="electric",
        doors=2,
        weight_t=2,
        sold=True,
        manual="docs/manual.md",
        built=date(2026, 1, 2),
        wheels=[{"name": "front"}, {"name": "rear", "size_mm": 650}],
        notes={"a": "b"},
    )
    assert car == Car(
        title="Beetle",
        colour=Colour.BLUE,
        fuel="electric",
        doors=2,
        weight_t=2.0,
        sold=True,
        manual=Path("/cars/docs/manual.md"),
        built=date(2026, 1, 2),
        wheels=(Wheel("front"), Wheel("rear", 650)),
        notes={"a": "b"},
    )
    assert type(car.weight_t) is float


def test_tables_keyed_by_name_are_an_array_in_the_order_of_the_file() -> None:
    assert read(wheels={"rear": {"size_mm": 650}, "front": {}}).wheels == (Wheel("rear", 650), Wheel("front"))


def test_an_unknown_key_names_the_nearest_valid_one() -> None:
    message = refusal(colur="red")
    assert "car.toml: colur: unknown key" in message
    assert 'hint: did you mean "colour"?' in message


def test_an_unknown_key_without_a_near_one_lists_all() -> None:
    assert "valid are: title, colour" in refusal(zzz=1)


def test_a_missing_key_is_named_with_its_type() -> None:
    with pytest.raises(ConfigError, match=r"car\.toml: title: missing; wanted a string"):
        decode(Car, {}, "car.toml")


def test_all_mistakes_are_told_at_once() -> None:
    lines = refusal(doors="four", wheels=[{"name": "a", "size_mm": 1.5}, {"size": 1}], colour="rod").splitlines()
    assert lines[:4] == [
        'car.toml: doors: got "four", wanted an integer',
        "car.toml: wheels[0].size_mm: got 1.5, wanted an integer",
        "car.toml: wheels[1].size: unknown key",
        "car.toml: wheels[1].name: missing; wanted a string",
    ]
    assert 'car.toml: colour: got "rod", wanted one of "red", "blue"' in lines
    assert 'did you mean "red"?' in lines[-1]


@pytest.mark.parametrize(
    ("key", "got", "said"),
    [
        ("doors", True, "got true, wanted an integer"),
        ("sold", 1, "got 1, wanted a boolean"),
        ("title", 3, "got 3, wanted a string"),
        ("weight_t", "1", 'got "1", wanted a float'),
        ("fuel", ["petrol"], 'got an array, wanted one of "petrol", "electric"'),
        ("wheels", "front", 'got "front", wanted an array of tables'),
        ("wheels", [3], "wheels[0]: got 3, wanted a table"),
        ("notes", ["x"], "got an array, wanted a table of strings"),
        ("notes", {"a b": 1}, 'notes."a b": got 1, wanted a string'),
        ("manual", 1, "got 1, wanted a path"),
        ("built", "2026-01-02", 'got "2026-01-02", wanted a date'),
    ],
)
def test_a_wrong_type_says_what_it_got_and_wanted(key: str, got: object, said: str) -> None:
    assert said in refusal(**{key: got})


def test_a_secret_is_taken_from_the_environment() -> None:
    car = read({"CAR_KEY": "k1"}, key="${CAR_KEY}", settings={"alarm": "on:${CAR_KEY}"})
    assert (car.key, car.settings) == ("k1", {"alarm": "on:k1"})


def test_a_secret_that_is_not_set_is_named() -> None:
    assert "key: the environment has no CAR_KEY" in refusal(key="${CAR_KEY}")


def test_all_secrets_that_are_not_set_are_told_in_one_hint() -> None:
    with pytest.raises(ConfigError) as caught:
        read(key="${CAR_KEY}", settings={"alarm": "on:${ALARM_KEY}", "spare": "${CAR_KEY}"})
    assert caught.value.hint == "set them before the start: export CAR_KEY=… ALARM_KEY=…"


@pytest.mark.parametrize(("environ", "expected"), [({}, "on:quiet"), ({"TONE": ""}, "on:quiet"), ({"TONE": "loud"}, "on:loud")])
def test_a_variable_may_say_what_it_is_where_it_is_not_set(environ: dict[str, str], expected: str) -> None:
    assert (
        read({"CAR_KEY": "x", **environ}, key="${CAR_KEY}", settings={"alarm": "on:${TONE:-quiet}"}).settings["alarm"] == expected
    )


def test_what_it_is_otherwise_may_be_filled_in_later() -> None:
    settings = {"alarm": "${TONE:-{secret}}!"}
    assert read({"CAR_KEY": "x"}, key="${CAR_KEY}", settings=settings).settings["alarm"] == "{secret}!"
    assert read({"CAR_KEY": "x", "TONE": "loud"}, key="${CAR_KEY}", settings=settings).settings["alarm"] == "loud!"


def test_a_secret_may_not_for_that_would_be_its_plain_text() -> None:
    message = refusal({}, key="${CAR_KEY:-hunter}")
    assert "key: holds a secret in plain text" in message
    assert "hunter" not in message


def test_a_secret_in_plain_text_is_refused_without_repeating_it() -> None:
    message = refusal(key="hunter")
    assert "key: holds a secret in plain text" in message
    assert "hunter" not in message


def test_a_secret_of_a_wrong_type_is_not_repeated() -> None:
    message = refusal(key=987654)
    assert "key: got an integer, wanted a string" in message
    assert "987654" not in message


def test_the_environment_is_refused_where_no_secret_belongs() -> None:
    assert "only secrets are taken from the environment" in refusal({"CAR": "x"}, title="${CAR}")


def test_a_type_that_no_file_can_hold_is_a_defect_of_ours() -> None:
    @dataclass(frozen=True)
    class Wrong:
        x: int | str = 1

    with pytest.raises(TypeError, match="cannot be decoded"):
        decode(Wrong, {"x": 1}, "w.toml")


def test_nearest_is_silent_about_nothing() -> None:
    assert nearest("x", []) == "nothing is valid here"
