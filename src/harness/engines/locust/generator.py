"""Walks one process's share of the schedule: every arrival begins on time, whatever became of those before it."""

from __future__ import annotations

import gc
import time
import traceback
from collections.abc import Callable

import gevent

from harness.engines.locust.account import Account, make_account
from harness.engines.locust.client import Address, Connections, resolve
from harness.engines.locust.journeys import Journey
from harness.engines.locust.order import Order, SignIn
from harness.engines.locust.recorder import TIMEOUT, Recorder, Sample, Visit
from harness.engines.locust.reports import Tick, WorkerReport
from harness.engines.locust.schedule import US_PER_S, make_schedule
from harness.engines.locust.visitor import Visitor, VisitOver
from harness.evidence.redaction import redact
from harness.probes.http.addresses import can_come_from, fresh_address

# A target that answers nobody is not worth minutes: so many visitors, all of them failed, and none that succeeded.
HOPELESS_AFTER = 100
# Arrivals that begin so long after their phase are no longer part of its rate.
IN_TIME_TOLERANCE_S = 0.05
_DRAIN_POLL_S = 0.02
_STOP_NOTICED_S_MAX = 0.2
_KILL_S_MAX = 5.0
_GC_THRESHOLDS = (20_000, 20, 50)

Listener = Callable[[Sample], None]


class Generator:
    """The visitors of one process.

    Args:
        worker: which share of the schedule is walked, from 0 to `order.processes - 1`.
        epoch_s: when the schedule starts, on the clock of `time.perf_counter`.
        listener: told of each request, once it is known whether it was answered as asked.
    """

    def __init__(
        self, order: Order, sign_in: SignIn, journey: Journey, *, worker: int, epoch_s: float, listener: Listener
    ) -> None:
        self._order, self._journey, self._worker, self._listener = order, journey, worker, listener
        self._accounts: list[Account] = [make_account(sign_in.login, user) for user in sign_in.users]
        self._schedule = make_schedule(order.profile, order.seed)
        self._address: Address = resolve(order.base_url)
        self._ends_s = _ends_s(order)
        self._recorder = Recorder(self._ends_s, epoch_s, IN_TIME_TOLERANCE_S)
        self._kept = Connections(self._address, time.perf_counter)
        self._own = order.profile.connections == "own"
        self._has_addresses = self._address.is_loopback and can_come_from(fresh_address())
        self._greenlets: dict[gevent.Greenlet, None] = {}
        self._reason = ""  # why it was told to stop; "" while it goes on
        self._phase = 0

    @property
    def digest(self) -> str:
        """The digest of the whole schedule."""
        return self._schedule.digest

    def stop(self, reason: str) -> None:
        """Ends the walk now; visitors under way are cut off."""
        self._reason = self._reason or reason

    def run(self, on_tick: Callable[[Tick], None]) -> WorkerReport:
        """Walks the share, waits for the last visitors, and reports; `on_tick` gets each second."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)
        ticker = gevent.spawn(self._tick_each_second, on_tick)
        self._sleep_until(0.0)
        self._recorder.restart_clocks()
        self._walk()
        self._drain()
        return self._finish(ticker, on_tick)

    def _walk(self) -> None:
        in_flight_max = max(1, self._order.profile.in_flight_max // self._order.processes)
        for number, phase, due_us in self._schedule.share(self._worker, self._order.processes):
            due_s = due_us / US_PER_S
            self._enter(phase)
            if not self._sleep_until(due_s) or self._hopeless():
                return
            if self._recorder.in_flight >= in_flight_max:
                self._recorder.drop(phase)
            else:
                self._arrive(Visit(number, phase, due_s))
        self._enter(len(self._ends_s))

    def _enter(self, phase: int) -> None:
        """Waits for the ends of the phases before that one, and takes their processor times."""
        while self._phase < phase and self._sleep_until(self._ends_s[self._phase]):
            self._recorder.phase_over(self._phase)
            self._phase += 1

    def _sleep_until(self, at_s: float) -> bool:
        """Whether that moment came before the order to stop."""
        while not self._reason:
            left_s = at_s - self._recorder.now_s()
            if left_s <= 0:
                return True
            gevent.sleep(min(left_s, _STOP_NOTICED_S_MAX))
        return False

    def _hopeless(self) -> bool:
        if self._recorder.completed or self._recorder.ended < HOPELESS_AFTER:
            return False
        self.stop(f"given up: the first {self._recorder.ended} visitors all failed")
        return True

    def _arrive(self, visit: Visit) -> None:
        self._recorder.arrive(visit)
        greenlet = gevent.spawn(self._visit, visit)
        self._greenlets[greenlet] = None
        greenlet.rawlink(self._forget)

    def _forget(self, greenlet: gevent.Greenlet) -> None:
        self._greenlets.pop(greenlet, None)

    def _visit(self, visit: Visit) -> None:
        self._recorder.begin(visit)
        connections = self._own_connections() if self._own else self._kept
        timeout = gevent.Timeout.start_new(self._order.profile.journey_timeout_s)
        try:
            self._journey(self._visitor(visit, connections))
        except VisitOver:
            pass
        except gevent.Timeout as caught:
            if caught is not timeout:
                raise
            _mark_timeout(visit)
        except Exception as error:  # noqa: BLE001 (a journey is its author's code: what it raises is counted and named)
            visit.broken = _where(error)
        finally:
            timeout.close()
            if self._own:
                connections.close()
        self._recorder.end(visit)
        for sample in visit.samples:
            self._listener(sample)

    def _own_connections(self) -> Connections:
        """Those of one visitor, who has an address of its own as well where that can be: a target may limit each one."""
        return Connections(self._address, time.perf_counter, fresh_address() if self._has_addresses else "")

    def _visitor(self, visit: Visit, connections: Connections) -> Visitor:
        return Visitor(
            visit,
            connections,
            self._accounts[visit.number % len(self._accounts)],
            host=self._address.host,
            seed=self._order.seed,
            seeded=self._order.seeded,
            now_s=self._recorder.now_s,
            pause=gevent.sleep,
        )

    def _drain(self) -> None:
        """Waits for those under way, no longer than a visitor waits."""
        deadline_s = self._recorder.now_s() + self._order.profile.journey_timeout_s
        while self._recorder.in_flight and self._recorder.now_s() < deadline_s and not self._reason:
            gevent.sleep(_DRAIN_POLL_S)

    def _finish(self, ticker: gevent.Greenlet, on_tick: Callable[[Tick], None]) -> WorkerReport:
        report = self.cut()
        gevent.killall(list(self._greenlets), timeout=_KILL_S_MAX)
        ticker.kill(timeout=_KILL_S_MAX)
        on_tick(self._recorder.tick())
        self._kept.close()
        return report

    def cut(self) -> WorkerReport:
        """Ends every visit that is under way, and reports; safe at any moment."""
        self._recorder.cut(broken_off=bool(self._reason))
        while self._phase < len(self._ends_s):
            self._recorder.phase_over(self._phase)
            self._phase += 1
        return WorkerReport(self._worker, self.digest, self._reason, self._recorder.reports())

    def _tick_each_second(self, on_tick: Callable[[Tick], None]) -> None:
        second = 1
        while self._sleep_until(float(second)):
            on_tick(self._recorder.tick())
            second += 1


def _ends_s(order: Order) -> list[float]:
    ends, total_s = [], 0.0
    for phase in order.profile.phases:
        total_s += phase.duration_s
        ends.append(total_s)
    return ends


def _mark_timeout(visit: Visit) -> None:
    under_way = [sample for sample in visit.samples if sample.ended_s < 0]
    for sample in under_way:
        sample.failure = TIMEOUT
    if not under_way:
        visit.broken = "took longer than journey_timeout_s between its requests"


def _where(error: Exception) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return redact(f"{type(error).__name__}: {error} ({last.filename.rpartition('/')[2]}:{last.lineno})")
