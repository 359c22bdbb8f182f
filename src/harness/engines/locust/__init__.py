"""Load: visitors who arrive at a rate, whatever the target does.

`Visitor` and `Answer` are what journeys (`load/journeys/`) are written with; `run_load` runs a load profile in a process of
its own, because Locust replaces parts of the standard library.
"""

from harness.engines.locust.journeys import check_journey, journey_names
from harness.engines.locust.run import LoadJob, LoadTarget, load_result_from_json, run_load
from harness.engines.locust.visitor import Answer, Visitor

__all__ = [
    "Answer",
    "LoadJob",
    "LoadTarget",
    "Visitor",
    "check_journey",
    "journey_names",
    "load_result_from_json",
    "run_load",
]
