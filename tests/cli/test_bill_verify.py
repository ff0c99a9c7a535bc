"""`market bill verify`: every bill again from its events."""

from __future__ import annotations

import json

from sqlalchemy import update

from market import db
from market.config import Settings
from market.metering import UsageEvent
from tests.builders.billing import OCTOBER, an_issued_bill, moment
from tests.cli.test_people import run
from tests.scenarios.stories import a_story, a_usual_october


def test_bills_that_agree_are_counted_and_a_difference_is_named(database: object, settings: Settings) -> None:
    with db.transaction():
        story = a_story(started="2026-10-01 00:30")
        a_usual_october(story)
        bill = an_issued_bill(story.organization, OCTOBER)
        number = bill.number
    done = run(settings, "bill", "verify")
    assert done.exit_code == 0 and "1 bills with 4 lines: all agree to the fen." in done.output
    with db.transaction():
        tampered = update(UsageEvent).where(UsageEvent.at == moment("2026-10-12 23:59"))
        db.session.execute(tampered.values(data={"value": "199"}))
    done = run(settings, "bill", "verify", "--organization", "示例五金制品有限公司")
    assert done.exit_code == 1
    assert f"{number}, line 3 (外网流量): quantity is 365, worked out again 364" in done.output
    told = [json.loads(line) for line in run(settings, "bill", "verify", "--json").output.splitlines()]
    assert told[-1] == {"record": "end", "bills": 1, "lines": 4, "differing": 1, "unread": 0}
    assert {(each["bill"], each["line"]) for each in told[:-1]} == {(number, 3)}
    assert ("gross_fen", "8250", "8200") in {(each["field"], each["billed"], each["expected"]) for each in told[:-1]}
    assert "There is no firm '4711'" in run(settings, "bill", "verify", "--organization", "4711").output
