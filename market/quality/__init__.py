"""Quality: what those who use an offering say of it, and what visitors report about its page or do not find.

Owns        reviews with every wording they ever had, providers' replies, reports of problems, requirements, and their
            answers.
Not here    the review of a listing before it is published (catalog), what was measured (metering), letters (notifications).
Invariants  one firm has one review of an offering, and only after a subscription of 30 days; nothing is ever deleted: each
            wording and each reply stays, and the database refuses to change or remove one; an administrator hides words
            that break the law, with a reason that everybody reads, but never the stars.
"""

from market.quality.actions import (
    LEAST_DAYS,
    LONGEST_TEXT,
    OwnOffering,
    TooEarly,
    hide,
    reply,
    show_again,
    write,
)
from market.quality.asked import LONGEST_REPORT, AlreadyAnswered, forget_contacts
from market.quality.models import (
    ProblemReport,
    ReportKind,
    ReportStatus,
    Requirement,
    Review,
    ReviewReply,
    ReviewWording,
)
from market.quality.problems import (
    answer,
    report,
    report_by_id,
    report_by_token,
    reports,
    waiting_reports,
)
from market.quality.queries import (
    NOTHING_SAID,
    Summary,
    Use,
    all_reviews,
    answered,
    review_by_id,
    review_of_firm,
    review_of_provider,
    reviews_of,
    reviews_of_provider,
    summaries,
    summary,
    together,
    unanswered,
    use_of,
    uses_of,
)
from market.quality.requirements import (
    MOST_SUGGESTED,
    REPLY_DAYS,
    answer_requirement,
    due_on,
    post_requirement,
    requirement_by_id,
    requirement_by_token,
    requirements,
    waiting_requirements,
)
from market.quality.signals import (
    problem_answered,
    problem_reported,
    requirement_answered,
    requirement_posted,
    review_answered,
    review_written,
)

__all__ = [
    "LEAST_DAYS", "LONGEST_REPORT", "LONGEST_TEXT", "MOST_SUGGESTED", "NOTHING_SAID", "REPLY_DAYS", "AlreadyAnswered", "OwnOffering",
    "ProblemReport", "ReportKind", "ReportStatus", "Requirement", "Review", "ReviewReply", "ReviewWording", "Summary", "TooEarly",
    "Use", "all_reviews", "answer", "answer_requirement", "answered", "due_on", "forget_contacts", "hide", "post_requirement",
    "problem_answered", "problem_reported", "reply", "report", "report_by_id", "report_by_token", "reports", "requirement_answered",
    "requirement_by_id", "requirement_by_token", "requirement_posted", "requirements", "review_answered", "review_by_id",
    "review_of_firm", "review_of_provider", "review_written", "reviews_of", "reviews_of_provider", "show_again", "summaries",
    "summary", "together", "unanswered", "use_of", "uses_of", "waiting_reports", "waiting_requirements", "write",
]  # fmt: skip
