"""Scheduled work: sweeps that look for committed rows on which something is still to be done.

There is no queue. A sweep asks the database what is due, so a worker killed at any moment loses
nothing and a second worker does no harm; the scheduler only decides how often to ask.
"""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import structlog

from market import (
    accounts,
    audit,
    billing,
    budgets,
    credentials,
    documents,
    dunning,
    ledger,
    metering,
    notifications,
    payments,
    privacy,
    providers,
    quality,
    recommended,
    resources,
    search,
    subscriptions,
)
from market.billing import credit_notes
from market.late import Library
from market.metering import completeness, reconciliation, uploads
from market.subscriptions import prices

if TYPE_CHECKING:
    from apscheduler.executors import pool
    from apscheduler.schedulers import blocking
else:
    pool = Library("apscheduler.executors.pool")
    blocking = Library("apscheduler.schedulers.blocking")

log = structlog.get_logger(__name__)


#: After a failure a sweep rests, twice as long each time, at most this many seconds.
LONGEST_REST = 60


@dataclass
class Sweep:
    """One kind of work: `work(now)` does what is due; it is asked every `seconds`."""

    name: str
    work: Callable[[datetime], object]
    seconds: int
    failures: int = 0
    rests_until: float = 0.0

    def run(self) -> bool:
        """Do what is due; False when it failed. The rows are still there for the next turn.

        What fails again and again, such as a full disk, is told less and less often.
        """
        if time.monotonic() < self.rests_until:
            return True
        try:
            self.work(resources.clock.now())
        except Exception as error:
            self._rest(error)
            return False
        self.failures = 0
        return True

    def _rest(self, error: Exception) -> None:
        self.failures += 1
        rest = min(LONGEST_REST, self.seconds * 2**self.failures)
        self.rests_until = time.monotonic() + rest
        if isinstance(error, OSError):
            # The machine's fault, not the program's: the sentence tells more than a traceback.
            log.error("sweep_failed", sweep=self.name, reason=str(error), again_in_seconds=rest)
        else:
            log.exception("sweep_failed", sweep=self.name, again_in_seconds=rest)


SWEEPS = (
    Sweep("provisioning", subscriptions.deliver_due, 1),
    Sweep("deadlines", subscriptions.watch, 30),
    Sweep("access details", subscriptions.forget_due, 3600),
    Sweep("old attempts", subscriptions.prune, 3600),
    Sweep("changes", subscriptions.apply_due, 5),
    Sweep("endings", subscriptions.end_due, 5),
    Sweep("failed set-ups", subscriptions.lapse_due, 600),
    Sweep("orders", subscriptions.expire_due, 60),
    Sweep("keys", accounts.warn_of_expiry, 600),
    Sweep("bills", partial(billing.close_due, clock=resources.present, patience=billing.Patience()), 5),
    Sweep("leavers", partial(billing.bill_leavers, clock=resources.present), 3600),
    Sweep("budgets", budgets.run, 60),
    Sweep("dunning", dunning.run, 300),
    Sweep("books", ledger.post_due, 3600),
    Sweep("given balances", credit_notes.expire_due, 600),
    Sweep("gateway news", payments.handle_due, 1),
    Sweep("gateway", payments.sweep, 5),
    Sweep("old gateway news", payments.forget_bodies, 3600),
    Sweep("what a gateway took", payments.look, 6 * 3600),
    Sweep("usage files", partial(uploads.work_due, closed_until=billing.closed_until), 2),
    Sweep("old usage files", uploads.expire_due, 3600),
    Sweep("months of events", metering.prepare_months, 3600),
    Sweep("refused events", metering.settle_due, 60),
    Sweep("silent meters", completeness.watch, 600),
    Sweep("objections", reconciliation.settle_due, 600),
    Sweep("search", search.refresh, 1),
    Sweep("links", credentials.recovery.answer_due, 1),
    Sweep("mail", notifications.send_due, 2),
    Sweep("policies", notifications.tell_of_policies, 5),
    Sweep("trials", notifications.remind_of_trials, 3600),
    Sweep("price letters", notifications.tell_of_prices, 5),
    Sweep("price changes", prices.finish_due, 60),
    Sweep("credentials", credentials.sweep, 3600),
    Sweep("archives", privacy.build_due, 2),
    Sweep("old archives", privacy.expire_due, 600),
    Sweep("recommended", recommended.expire_due, 60),
    Sweep("checks", accounts.expire_due, 60),
    Sweep("rechecks", providers.remind_due, 3600),
    Sweep("uploads", documents.sweep, 3600),
    Sweep("old contacts", quality.forget_contacts, 3600),
    Sweep("audit head", audit.publish_head, 60),
)


def run_forever() -> None:
    """Run the sweeps until SIGTERM or SIGINT; the one under way is finished first."""
    # A sweep that takes longer than its interval is simply asked again later: nothing to report.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    scheduler = blocking.BlockingScheduler(
        executors={"default": pool.ThreadPoolExecutor(len(SWEEPS))},
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
