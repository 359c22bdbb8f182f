"""How long 10,000 alerts take from a scanner's report to merged findings."""

from __future__ import annotations

import dataclasses
import time

from harness.engines.zap.alerts import read_alerts
from harness.engines.zap.reading import Alert
from harness.findings.merge import merged

Figure = tuple[str, float, str, str]

_ALERTS = 10_000
_HOW = f"{_ALERTS:,} alerts of 50 rules on 3,000 addresses, once"


def figures() -> list[Figure]:
    """Seconds to read alerts into findings, and to merge two engines' findings."""
    alerts = [
        Alert(plugin=str(n % 50), name="an alert", risk=3, confidence=1, method="GET", url=f"http://h/a/b{n % 3000}/{n}")
        for n in range(_ALERTS)
    ]
    started = time.perf_counter()
    found = read_alerts(alerts, (), stage="zap").findings
    read_s = time.perf_counter() - started
    doubled = [dataclasses.replace(finding, engines=("probes",)) for finding in found]
    started = time.perf_counter()
    merged((*found, *doubled))
    return [
        ("alerts read into findings", read_s, "s", _HOW),
        (f"{2 * len(found):,} findings merged", time.perf_counter() - started, "s", _HOW),
    ]
