"""Use that somebody sends as a file or types into a box, to be held against prices; it is read and forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import FileStorage
from wtforms import FileField, TextAreaField

from market.accounts import Organization
from market.billing import Usage, listed
from market.catalog import Plan
from market.errors import MarketError
from market.web import errors, forms

#: What the box holds at most; a file may be longer.
LONGEST_TEXT = 20_000
#: Room for a file that is too large, so that the page can say so in words.
ROOM = listed.LARGEST * 3


class UsageFileForm(forms.MarketForm):
    """Use as a file, or as lines in a box."""

    file = FileField(_l("用量文件"), render_kw={"accept": ".csv,.txt,.ndjson,.jsonl,text/csv"})
    text = TextAreaField(_l("或者直接写在这里"), [forms.NotLongerThan(LONGEST_TEXT)])

    def read(self, plans: Sequence[Plan], organization: Organization, *, now: datetime) -> Usage | None:
        """What was used, for these plans; None where it cannot be read, which the fields then say line by line.

        The box is filled with what was read, so that it can be changed and sent again.
        """
        sent = self.file.data
        as_file = isinstance(sent, FileStorage) and bool(sent.filename)
        try:
            if isinstance(sent, FileStorage) and as_file:
                with closing(sent):
                    usage = listed.read(sent.stream.read(listed.LARGEST + 1), plans, organization, now=now)
            else:
                usage = listed.read((self.text.data or "").encode(), plans, organization, now=now)
        except listed.FileProblems as refusal:
            (self.file if as_file else self.text).errors = [_problem(each) for each in refusal.problems]
            return None
        except MarketError as refusal:
            self.refuse(refusal)
            return None
        self.text.data = listed.written(usage)
        return usage


def _problem(each: listed.Problem) -> str:
    problem = errors.translate(each.refusal)
    if each.column:
        return _("第 %(line)s 行的 %(column)s：%(problem)s", line=each.line, column=each.column, problem=problem)
    return _("第 %(line)s 行：%(problem)s", line=each.line, problem=problem)
