"""A job as Schemathesis's own configuration: every option explicit, nothing read from files or the environment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemathesis.config import SchemathesisConfig

from harness.engines.contract.job import Job

PHASES = ("examples", "coverage", "fuzzing", "stateful")
Pools = dict[tuple[Any, ...], str]
ID_PROBABILITY = 0.75  # how often a parameter that names an object gets the id of one that exists
_POSITIVE_STATUSES = ("2xx", "3xx", "401", "403", "404", "409", "429", "5xx")  # Schemathesis's default for valid requests


def settings_of(job: Job) -> SchemathesisConfig:
    """The engine's configuration for one job."""
    pools = _pools(job)
    return SchemathesisConfig.from_dict(
        {
            "seed": job.seed,
            "base-url": job.base_url,
            "headers": {name: marker for name, (marker, _) in job.secrets.headers.items()},
            "workers": 1,  # a second thread gains nothing per CPU, and makes the order of requests a race
            "continue-on-failure": True,
            "request-timeout": job.request_seconds,
            "request-retries": 0,
            "max-redirects": 0,  # the answer of the operation is judged, and nothing leads us to another host
            "cache": {"enabled": False},
            "auth": {"auto-signup": False},
            "suppress-health-check": ["all"],
            "generation": {"max-examples": 1, "no-shrink": True, "database": "none", "deterministic": False},
            "checks": {"object_level_authorization": {"enabled": False}},  # judged with two users by the stage authorization
            "phases": {phase: _phase(phase, job) for phase in PHASES},
            "dictionaries": {name: {"values": list(values)} for values, name in pools.items()},
            "operations": [_operation(name, job, pools) for name in _all_operations(job)],
        }
    )


def _phase(phase: str, job: Job) -> dict[str, Any]:
    settings: dict[str, Any] = {"enabled": phase in job.phases}
    if phase == "examples":
        settings["fill-missing"] = True  # an operation without examples gets one valid case of our own seed
    if phase == "fuzzing":
        settings["error-feedback"] = {"enabled": False}  # what is sent must follow from document and seed, not from answers
    if phase == "stateful":
        settings["generation"] = {"max-examples": job.scenarios_max}
    return settings


def _pools(job: Job) -> Pools:
    """A name for each set of ids: many parameters share one."""
    pools: Pools = {}
    for values in (values for named in job.values.values() for values in named.values() if values):
        pools.setdefault(values, f"ids{len(pools)}")
    return pools


def _parameters(name: str, job: Job, pools: Pools) -> Iterator[tuple[str, Any]]:
    for parameter, values in job.values.get(name, {}).items():
        if values:
            for place in ("path", "query", "body"):
                yield f"{place}.{parameter}", {"dictionary": pools[values], "probability": ID_PROBABILITY}


def _operation(name: str, job: Job, pools: Pools) -> dict[str, Any]:
    if name not in job.cases:
        return {"include-name": name, "enabled": False}
    settings: dict[str, Any] = {
        "include-name": name,
        "phases": {"fuzzing": {**_phase("fuzzing", job), "generation": {"max-examples": max(1, job.cases[name])}}},
    }
    if parameters := dict(_parameters(name, job, pools)):
        settings["parameters"] = parameters
    if expected := job.expected.get(name):
        statuses = [*_POSITIVE_STATUSES, *(str(status) for status in expected)]
        settings["checks"] = {"positive_data_acceptance": {"expected-statuses": statuses}}
    return settings


def _all_operations(job: Job) -> list[str]:
    methods = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
    paths = job.document.get("paths") or {}
    return [
        f"{method.upper()} {path}"
        for path, item in paths.items()
        if isinstance(item, dict)
        for method in methods
        if isinstance(item.get(method), dict)
    ]
