"""Names of members and collections, however they are written."""

from __future__ import annotations

import pytest

from harness.probes.openapi.jsonpath import find
from harness.probes.openapi.names import singular, snake
from harness.probes.scene.objects import id_path_in


@pytest.mark.parametrize("name", ["leadIds", "lead-ids", "lead_ids", "Lead_Ids"])
def test_a_name_is_read_alike_however_it_is_written(name: str) -> None:
    assert snake(name) == "lead_ids"


@pytest.mark.parametrize(
    ("many", "one"),
    [("leads", "lead"), ("categories", "category"), ("addresses", "address"), ("boxes", "box"), ("statuses", "status"),
     ("houses", "house"), ("notices", "notice"), ("glass", "glass"), ("lead", "lead")],
)  # fmt: skip
def test_one_of_many(many: str, one: str) -> None:
    assert singular(many) == one


@pytest.mark.parametrize("envelope", ["items", "hydra:member", "@graph", "$values"])
def test_ids_are_found_in_an_envelope_of_any_name(envelope: str) -> None:
    answer = {envelope: [{"id": 7}, {"id": 8}]}
    assert find(answer, id_path_in(answer, "lead_id")) == [7, 8]
