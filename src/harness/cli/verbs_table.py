"""Every verb with its options: the reference page and the parser are made from this table."""

from __future__ import annotations

from harness.cli.parser import Option, Verb
from harness.model.waiver import FindingState

_TARGET = Option(("--target",), "target file to use: a name in targets/ or a path (default: harness.toml)", "NAME")
_SEED = Option(("--seed",), "seed of data, arrivals, order and generated cases (default: harness.toml)", "N", type=int)
_DATABASE = Option(
    ("--database",), "where the PostgreSQL comes from (default: harness.toml)", choices=("auto", "docker", "embedded", "external")
)
_SIZE = Option(("--size",), "size of the seeded data: small, medium or large (default: the plan's)", "SIZE")
_RUNS = Option(("--runs",), "folder of the runs (default: harness.toml)", "DIR")
_RUN = Option(("run",), "a run: its id, the beginning of it, its folder, or latest", "RUN", default="latest", nargs="?")

VERBS: tuple[Verb, ...] = (
    Verb(
        "verify",
        "verify",
        "run a plan against a target and say whether it may ship",
        (
            Option(("stages",), "only these stages of the plan; the verdict then speaks of them alone", "STAGE", nargs="*"),
            Option(("--plan",), "the plan to run (default: harness.toml)", "NAME"),
            _TARGET,
            _SEED,
            _DATABASE,
            _SIZE,
            _RUNS,
            Option(("--port",), "port of the target (default: a free one)", "N", type=int),
            Option(("--jobs",), "run so many stages side by side, one per core at most (default: the plan's)", "N", type=int),
            Option(("--scan-profile",), "how deep ZAP looks: baseline, ci or full (default: the stage's)", "NAME"),
        ),
        "  harness verify\n  harness verify contract authorization\n  harness verify --plan merge --target reference --seed 7",
    ),
    Verb(
        "doctor",
        "doctor",
        "look at this machine, the configuration and a running target; starts nothing, writes nothing",
        (
            _TARGET,
            Option(("--show-config",), "print each value of the configuration with its origin", flag=True),
        ),
        "  harness doctor\n  harness doctor --target staging",
    ),
    Verb(
        "judge",
        "judge",
        "judge a stored run again, from its own copies of plan, limits and evidence",
        (_RUN, _RUNS, Option(("--today",), "judge as of this day instead of the run's end", "YYYY-MM-DD")),
        "  harness judge latest",
    ),
    Verb(
        "report",
        "report",
        "write the report of a stored run again, or serve it",
        (
            _RUN,
            _RUNS,
            Option(("--serve",), "serve the run on the loopback, so that traces open in the browser", flag=True),
        ),
        "  harness report latest --serve",
    ),
    Verb(
        "replay",
        "replay",
        "send the requests of a finding again, or examine once more what no request shows, on a fresh target",
        (
            Option(("finding",), "fingerprint of the finding, or the beginning of it", "FINDING"),
            Option(("--run",), "the run that holds it", "RUN", default="latest"),
            _RUNS,
            _TARGET,
            _DATABASE,
        ),
        "  harness replay 3fa4c1d2",
    ),
    Verb(
        "findings",
        "findings",
        "list, show and waive findings, and compare them with the committed base",
        (
            Option(
                ("action",),
                "list: all with their state; show: one in full; waive: accept one for a while; diff: against security/known.json",
                choices=("list", "show", "waive", "diff"),
            ),
            Option(("finding",), "fingerprint of the finding, or the beginning of it (show, waive)", "FINDING", nargs="?"),
            Option(("--run",), "the run that holds it (default: latest)", "RUN"),
            _RUNS,
            Option(("--state",), "list: only findings of this state", choices=tuple(FindingState)),
            Option(("--json",), "list, show: as JSON", flag=True),
            Option(
                ("--accept-base",),
                "diff: write the findings of this run (default: of --run) to security/known.json",
                "RUN",
                nargs="?",
                const="",
            ),
            Option(("--reason",), "waive: why it is acceptable, or why the engine is mistaken", "TEXT"),
            Option(("--owner",), "waive: who carries the risk", "WHO"),
            Option(("--approver",), "waive: who agreed, not the owner; two for a critical finding", "WHO", nargs="+"),
            Option(("--days",), "waive: how long it holds, at most 90 days", "N", default=30, type=int),
            Option(("--expires",), "waive: its last day, instead of --days", "YYYY-MM-DD"),
            Option(("--false-alarm",), "waive: the engine is mistaken; it stays visible as such", flag=True),
        ),
        "  harness findings list --state new\n"
        "  harness findings show 3fa4c1d2\n"
        '  harness findings waive 3fa4c1d2 --reason "behind the VPN until the new proxy" --owner ana --approver bo --days 30\n'
        "  harness findings diff --accept-base 20261124T101500Z-3fa4c1",
    ),
    Verb(
        "token",
        "token",
        "log in at a running target and print the credential of a role",
        (
            Option(("role",), "a role of the target", "ROLE"),
            Option(("--user",), "which of its users (default: the first)", "NAME"),
            _TARGET,
        ),
        '  curl -H "Authorization: Bearer $(harness token partner)" …',
    ),
    Verb(
        "target",
        "target",
        "write a file for a new target; start, seed or stop one by hand",
        (
            Option(
                ("action",),
                "init: draft targets/NAME.toml; up: start it on a seeded database and stay; seed: fill a database; down: stop it",
                choices=("init", "up", "seed", "down"),
            ),
            Option(("--document",), "init: the OpenAPI document to draft from", "FILE"),
            Option(("--base-url",), "init: the address of a running target to look at", "URL"),
            _TARGET,
            _SEED,
            _SIZE,
            _DATABASE,
            Option(("--port",), "port to listen on (default: a free one)", "N", type=int),
        ),
        "  harness target init --document openapi.yaml --target shop\n  harness target up --size medium",
    ),
    Verb(
        "load",
        "load",
        "send a load profile to a target and judge arrivals, latency and errors",
        (
            Option(("profile",), "a load profile: smoke, warmup, sustained, peak or full", "PROFILE"),
            Option(("--scale",), "multiply the arrival rates", "FACTOR", default=1.0, type=float),
            _TARGET,
            _SEED,
            _DATABASE,
            _SIZE,
            _RUNS,
        ),
        "  harness load sustained --scale 0.2",
    ),
    Verb(
        "faults",
        "faults",
        "plant defects in a copy of the reference platform and see which gates notice",
        (
            Option(("action",), "list them, or run them", choices=("list", "run")),
            Option(("ids",), "only these faults; a name may hold * and ?", "FAULT", nargs="*"),
            Option(("--operator",), "only those that this rule of faults/operators.toml generates", "RULE"),
            Option(("--stage",), "only those that run this stage", "STAGE"),
            Option(("--sample",), "only so many of them, drawn by the seed", "N", type=int),
            _SEED,
            Option(("--jobs",), "run so many at a time (default: 1)", "N", default=1, type=int),
            Option(("--again",), "run those too whose result is known and whose code has not changed", flag=True),
            Option(("--clean",), "run the clean platform too and count false alarms", flag=True),
            _DATABASE,
        ),
        "  harness faults list --operator drop-owner\n  harness faults run drop-owner-read\n"
        "  harness faults run --stage sessions --jobs 2",
    ),
    Verb(
        "ledger",
        "ledger",
        "show the rows of the Phase 4 ledger with their state in a run",
        (
            _RUN,
            _RUNS,
            Option(("--require",), "exit 3 while a row is unsettled", flag=True),
            Option(("--state",), "only rows of this state", "STATE"),
        ),
        "  harness ledger\n  harness ledger --state REFUTED",
    ),
    Verb(
        "list",
        "listing",
        "list engines, gates, stages, plans, targets, load profiles or runs",
        (Option(("what",), "what to list", choices=("engines", "gates", "stages", "plans", "targets", "profiles", "runs")),),
        "  harness list gates",
    ),
    Verb(
        "explain",
        "explain",
        "say what a gate asks, what it needs at least, and what feeds it",
        (Option(("gate",), "a gate", "GATE"),),
        "  harness explain coverage",
    ),
)
