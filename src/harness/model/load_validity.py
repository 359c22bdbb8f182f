"""Whether a load test says anything at all: checked before any objective is judged."""

from __future__ import annotations

from collections.abc import Iterator

from harness.model.load import LoadResult, PhaseLoad
from harness.model.plan import LoadLimits

# Failures of the generator's own machine, whatever the target does.
OWN_FAILURES = ("no free port", "too many open files")


def validity(result: LoadResult, limits: LoadLimits) -> tuple[str, ...]:
    """Why the run is not valid, one sentence each; empty for a run that may be judged.

    Valid is: walked to its end, arrivals held, starts on time, the generator not saturated, nothing dropped, and enough
    completed on each endpoint.
    """
    return (*generator_faults(result, limits), *_too_little(result, limits))


def generator_faults(result: LoadResult, limits: LoadLimits) -> tuple[str, ...]:
    """The reasons that lie with the generator and its machine: a repetition may be without them."""
    return tuple(reason for phase in result.phases for reason in _own(phase, limits)) if result.complete else ()


def disturbed(result: LoadResult, limits: LoadLimits) -> dict[str, str]:
    """Phases, with the reason, whose slow answers say nothing of the target: other programs had the machine meanwhile.

    Only a phase that misses its latency objective is among them: who is in time in spite of it is in time. Where the target's
    own share is not known, no phase is.
    """
    return {phase.phase: reason for phase in result.phases if (reason := _disturbance(phase, limits))}


def _disturbance(phase: PhaseLoad, limits: LoadLimits) -> str:
    strangers = phase.machine.strangers_percent
    slow = [end for end in phase.endpoints if (end.latency.p95_ms or 0.0) > limits.latency_p95_ms_max]
    if not slow or strangers is None or strangers <= limits.strangers_percent_max:
        return ""
    return (
        f"{phase.phase}: {slow[0].endpoint} was slow (p95 {slow[0].latency.p95_ms:.0f} ms) while programs that are neither "
        f"target nor generator had {strangers:.0f} % of the machine, wanted ≤ {limits.strangers_percent_max:g} %"
    )


def _own(phase: PhaseLoad, limits: LoadLimits) -> Iterator[str]:
    if phase.achieved_percent < limits.achieved_percent_min and not phase.dropped:
        yield (
            f"{phase.phase}: {phase.started_in_time} of {phase.intended} arrivals began in time "
            f"({phase.achieved_percent:.1f} %, wanted ≥ {limits.achieved_percent_min:g} %){_machine(phase)}"
        )
    lateness = phase.lateness.p99_ms
    if lateness is not None and lateness > limits.lateness_p99_ms_max:
        yield (
            f"{phase.phase}: visitors began late: p99 {lateness:.1f} ms, "
            f"wanted ≤ {limits.lateness_p99_ms_max:g} ms{_machine(phase)}"
        )
    if phase.generator_cpu_percent > limits.generator_cpu_percent_max:
        yield (
            f"{phase.phase}: the generator used {phase.generator_cpu_percent:.1f} % of its core, "
            f"wanted ≤ {limits.generator_cpu_percent_max:g} %; spread it over more processes"
        )
    if phase.broken:
        yield f"{phase.phase}: the journey's own code failed {phase.broken} times: {phase.broken_example}"
    for kind in OWN_FAILURES:
        if count := _failures(phase, kind):
            yield f"{phase.phase}: the generator's machine had {kind} for {count} requests"


def _too_little(result: LoadResult, limits: LoadLimits) -> Iterator[str]:
    if not result.complete:
        yield f"the run was not completed: {result.reason or 'no reason was given'}"
    if not result.phases:
        yield "no phase was run"
    if result.phases and not result.endpoints:
        yield "no request was sent"
    for phase in result.phases:
        if phase.dropped:
            yield f"{phase.phase}: {phase.dropped} arrivals were dropped: {phase.in_flight_max} visitors were under way at once"
        completed = {endpoint.endpoint: endpoint.completed for endpoint in phase.endpoints}
        for endpoint in result.endpoints:
            if completed.get(endpoint, 0) < limits.completed_min:
                yield (
                    f"{phase.phase}: {endpoint}: {completed.get(endpoint, 0)} requests completed, wanted ≥ {limits.completed_min}"
                )


def _machine(phase: PhaseLoad) -> str:
    machine = phase.machine
    return f" (steal {machine.steal_percent:.0f} %, other programs {machine.others_percent:.0f} % of the machine)"


def _failures(phase: PhaseLoad, kind: str) -> int:
    return sum(failure.count for endpoint in phase.endpoints for failure in endpoint.failures if failure.kind == kind)
