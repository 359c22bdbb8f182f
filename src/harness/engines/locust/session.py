"""Runs the generator inside Locust: one process or many, with the same messages between them.

Locust brings the processes together (`--processes`, `--master`, `--worker`) and shows its statistics; when visitors arrive and
what is measured is ours. The first process tells each of the others its share of the schedule, the digest of the whole, and
when it starts; they send a tick each second and a report at the end. Alone, a process sends these messages to itself.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event
from locust import User, events, task
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import MasterRunner, Runner, WorkerRunner

from harness.engines.locust.account import make_account
from harness.engines.locust.client import resolve
from harness.engines.locust.collector import Collector
from harness.engines.locust.generator import Generator
from harness.engines.locust.journeys import load_journey
from harness.engines.locust.order import Order, read_order, read_sign_in
from harness.engines.locust.recorder import Sample
from harness.engines.locust.reports import Tick, WorkerReport
from harness.evidence.codec import from_plain, to_plain
from harness.evidence.redaction import remember_secret

_START, _STOP, _TICK, _REPORT = "harness-start", "harness-stop", "harness-tick", "harness-report"
_LEAD_S = 0.5  # from the message that tells the start to the start: importing and freezing are over by then
_LEAD_DISTRIBUTED_S = 2.0
_START_WAIT_S_MAX = 60.0
_WATCH_S = 0.5
_STOPPED_WAIT_S_MAX = 6.0  # for the other processes' reports, once all are told to stop


class Session:
    """What this process does in the run: walk (`WorkerRunner`), gather (`MasterRunner`), or both (`LocalRunner`)."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._sign_in = read_sign_in()
        for user in self._sign_in.users:
            remember_secret(user.password)
            make_account(self._sign_in.login, user)  # what cannot work ends the process here, with its reason in the log
        resolve(order.base_url)
        self._journey = load_journey(Path(order.journeys), order.journey)
        self._generator: Generator | None = None
        self._collector: Collector | None = None
        self._runner: Runner | None = None
        self._environment: Environment | None = None
        self._started = Event()
        self._start: dict[str, Any] = {}
        self._stop_reason = ""  # told to stop, perhaps before the start
        self._told = False  # each process was told its share
        self._walked = self._reported = False

    def connect(self, environment: Environment, runner: Runner) -> None:
        """Takes its part in the run, once Locust knows which one that is."""
        self._environment, self._runner = environment, runner
        if not isinstance(runner, MasterRunner):
            runner.register_message(_START, self._on_start)
            runner.register_message(_STOP, self._on_stop)
        if not isinstance(runner, WorkerRunner):
            self._collector = Collector(self._order)
            runner.register_message(_TICK, self._on_tick)
            runner.register_message(_REPORT, self._on_report)
            environment.events.spawning_complete.add_listener(self._on_spawned)
            environment.events.quitting.add_listener(self._on_quitting)
        gevent.signal_handler(signal.SIGINT, self._on_interrupt)

    def walk(self) -> None:
        """The one task of this process's only user: waits for its share, walks it, reports."""
        if self._walked or not self._started.wait(_START_WAIT_S_MAX):  # Locust runs a task that failed again
            self._give_up()
            raise StopUser
        self._walked = True
        start, runner = self._start, self._known_runner
        _go_first()
        generator = self._generator = Generator(
            self._order,
            self._sign_in,
            self._journey,
            worker=start["worker"],
            epoch_s=time.perf_counter() + start["epoch_unix_s"] - time.time(),
            listener=self._tell_locust,
        )
        if generator.digest != start["digest"]:
            generator.stop("this process computed another schedule")
        if self._stop_reason:
            generator.stop(self._stop_reason)
        self._send_report(generator.run(lambda tick: runner.send_message(_TICK, to_plain(tick))))
        raise StopUser

    def _give_up(self) -> None:
        if self._collector is not None:
            self._finish("the generator failed; its log says why")
        else:
            gevent.spawn(self._known_runner.quit)

    @property
    def _known_runner(self) -> Runner:
        assert self._runner is not None, "Locust calls the init event before it starts users"
        return self._runner

    def _send_report(self, report: WorkerReport) -> None:
        if not self._reported:
            self._reported = True
            self._known_runner.send_message(_REPORT, to_plain(report))

    def _tell_locust(self, sample: Sample) -> None:
        """So that Locust's statistics and its plugins see the requests too; nothing is judged by them."""
        assert self._environment is not None
        method, _, name = sample.endpoint.partition(" ")
        self._environment.events.request.fire(
            request_type=method,
            name=name,
            response_time=(sample.ended_s - sample.intended_s) * 1000,
            response_length=0,
            exception=sample.failure or None,
            context={},
        )

    # ------------------------------------------------------------------------------------------ what the walkers hear

    def _on_start(self, msg: Any, **_: Any) -> None:
        self._start = msg.data
        self._started.set()

    def _on_stop(self, msg: Any, **_: Any) -> None:
        self._stop_reason = str(msg.data["reason"])
        if self._generator is not None:
            self._generator.stop(self._stop_reason)

    # ----------------------------------------------------------------------------------------- what the gatherer hears

    def _on_spawned(self, **_: Any) -> None:
        """Every process has its user: tells each its share."""
        runner, collector = self._known_runner, self._known_collector
        walkers = sorted(runner.clients) if isinstance(runner, MasterRunner) else ["local"]
        if len(walkers) != self._order.processes:
            self._finish(f"{len(walkers)} generator processes came, wanted {self._order.processes}")
            return
        epoch_unix_s = time.time() + (_LEAD_DISTRIBUTED_S if isinstance(runner, MasterRunner) else _LEAD_S)
        collector.start(epoch_unix_s)
        self._told = True
        for worker, client_id in enumerate(walkers):
            runner.send_message(_START, {"worker": worker, "digest": collector.digest, "epoch_unix_s": epoch_unix_s}, client_id)
        gevent.spawn(self._watch)

    def _on_tick(self, msg: Any, **_: Any) -> None:
        self._known_collector.tick(from_plain(Tick, msg.data, where=_TICK))

    def _on_report(self, msg: Any, **_: Any) -> None:
        self._known_collector.report(from_plain(WorkerReport, msg.data, where=_REPORT))

    def _watch(self) -> None:
        """Ends the run when all have reported, or when a process is lost."""
        runner, collector = self._known_runner, self._known_collector
        while not collector.finished:
            if collector.complete:
                self._finish()
            elif isinstance(runner, MasterRunner) and runner.worker_count < self._order.processes:
                self._finish("a generator process was lost")
            gevent.sleep(_WATCH_S if isinstance(runner, MasterRunner) else 0.02)

    def _on_interrupt(self) -> None:
        """SIGINT: everybody stops and reports."""
        if isinstance(self._runner, WorkerRunner):
            return  # the gatherer, which got the signal too, tells when
        self._known_runner.send_message(_STOP, {"reason": "stopped by SIGINT"})
        gevent.spawn_later(_STOPPED_WAIT_S_MAX if self._told else 0.0, self._finish, "stopped by SIGINT")

    def _on_quitting(self, **_: Any) -> None:
        """Locust ends, as after SIGTERM: what is known is kept."""
        if self._generator is not None and not self._reported:
            self._generator.stop("stopped by SIGTERM")
            self._known_collector.report(self._generator.cut())
        self._known_collector.finish("" if self._known_collector.complete else "stopped by SIGTERM")
        if self._environment is not None:
            self._environment.process_exit_code = 0  # the result is written, and says the rest

    @property
    def _known_collector(self) -> Collector:
        assert self._collector is not None, "only the gathering process is asked"
        return self._collector

    def _finish(self, reason: str = "") -> None:
        self._known_collector.finish(reason)
        gevent.spawn(self._known_runner.quit)


def _go_first() -> None:
    """Where we may (root on Linux), the generator runs before other programs: it needs little, and that little on time.

    Measured beside three busy programs on two cores: waking up 1 ms later came 15 ms late at p99 without this, 0.2 ms with it.
    It cannot starve the target: a generator above 70 % of its core makes the run invalid, and Linux leaves others 5 % of each.
    """
    with suppress(AttributeError, OSError):
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))


def arrivals_user() -> type[User]:
    """The user class of a locustfile; the order says what it does."""
    order = read_order()
    session = Session(order)

    @events.init.add_listener  # type: ignore[untyped-decorator]
    def connect(environment: Environment, runner: Runner, **_: Any) -> None:
        session.connect(environment, runner)

    class Arrivals(User):
        """One in each process: walks its share of the schedule, and sends a visitor on the way at each arrival."""

        fixed_count = order.processes

        @task
        def walk(self) -> None:
            """Walks the schedule."""
            session.walk()

    return Arrivals
