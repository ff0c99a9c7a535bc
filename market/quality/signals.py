"""Facts about opinions, reports and requirements, announced upward inside the transaction of the change."""

from __future__ import annotations

from blinker import signal

#: `review_written.send(review, wording=…, offering=…, at=at)`: written for the first time or anew.
review_written = signal("review_written")

#: `review_answered.send(review, reply=…, offering=…, at=at)`: the provider has replied, or replied anew.
review_answered = signal("review_answered")

#: `problem_reported.send(report, offering=…, at=at)`: somebody reports a problem with an offering's page.
problem_reported = signal("problem_reported")

#: `problem_answered.send(report, offering=…, at=at)`: an administrator has answered.
problem_answered = signal("problem_answered")

#: `requirement_posted.send(requirement, at=at)`: somebody needs what she has not found.
requirement_posted = signal("requirement_posted")

#: `requirement_answered.send(requirement, at=at)`: an administrator has answered.
requirement_answered = signal("requirement_answered")
