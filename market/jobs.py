"""Scheduled work: sweeps that look for committed rows on which something is still to be done.

There is no queue. A sweep asks the database what is due, so a worker killed at any moment loses
nothing and a second worker does no harm; the scheduler only decides how often to ask.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler

from market import billing, notifications, recommended, resources, search, subscriptions

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Sweep:
    """One kind of work: `work(now)` does what is due; it is asked every `seconds`."""

    name: str
    work: Callable[[datetime], object]
    seconds: int

    def run(self) -> None:
        """Do what is due. A failure is logged; the rows are still there for the next turn."""
        try:
            self.work(resources.clock.now())
        except Exception:
            log.exception("sweep_failed", sweep=self.name)


SWEEPS = (
    Sweep("provisioning", subscriptions.deliver_due, 1),
    Sweep("endings", subscriptions.end_due, 5),
    Sweep("bills", billing.close_due, 5),
    Sweep("leavers", billing.bill_leavers, 3600),
    Sweep("search", search.refresh, 1),
    Sweep("mail", notifications.send_due, 2),
    Sweep("recommended", recommended.expire_due, 60),
)


def run_forever() -> None:
    """Run the sweeps until SIGTERM or SIGINT; the one under way is finished first."""
    # A sweep that takes longer than its interval is simply asked again later: nothing to report.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    scheduler = BlockingScheduler(
        executors={"default": ThreadPoolExecutor(len(SWEEPS))},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        timezone="UTC",
    )
    for sweep in SWEEPS:
        scheduler.add_job(
            sweep.run,
            "interval",
            seconds=sweep.seconds,
            name=sweep.name,
            next_run_time=datetime.now().astimezone(),
        )

    def stop(*_: object) -> None:
        # The signal comes twice when both the shell and `market run` pass it on.
        if scheduler.running:
            scheduler.shutdown(wait=False)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    log.info("worker_started", sweeps=[sweep.name for sweep in SWEEPS])
    scheduler.start()
    log.info("worker_stopped")
