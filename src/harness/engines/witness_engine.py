"""Engine `witness`: the database's own record of statements, read while requests are sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from harness import __version__
from harness.engines.engine import StageJob, StageOutcome
from harness.engines.suite import Payload, run_suite
from harness.evidence.records import Records
from harness.model.evidence import Counts, Kind


class WitnessEngine:
    """Runs a suite whose tests read one examination of the database."""

    name: ClassVar[str] = "witness"
    about: ClassVar[str] = "the database as a witness: statements, plans, transactions, leaks, lost updates"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.TESTS, Kind.DATABASE)

    def run(self, job: StageJob) -> StageOutcome:
        """Runs the suite and takes over what it recorded."""
        return run_suite(job, database_payload, tool="witness", version=__version__)


def database_payload(_job: StageJob, records: Records) -> Sequence[Payload]:
    """What the suite's examination came to; nothing where none came to its end."""
    if records.database is None:
        return ()
    payload = records.database
    watched = sum(seen.watched for seen in payload.operations)
    total = len(payload.operations)
    return (Payload(Kind.DATABASE, payload, Counts(total, watched, len(payload.findings), total - watched)),)
