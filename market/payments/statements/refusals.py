"""Every "no" about lines of a statement."""

from __future__ import annotations

from market.errors import Invalid, Refused


class StatementFinished(Refused):
    """The file was imported or thrown away."""

    code = "statement_finished"
    message = "这个文件已经处理完了。"


class LineFinished(Refused):
    """The line's money has gone where it belongs."""

    code = "bank_line_finished"
    message = "这笔转账已经处理完了，不能再改。"


class LineChanged(Refused):
    """Somebody has given the line to another firm, or a bill of the form asks for nothing any more."""

    code = "bank_line_changed"
    message = "打开页面以后，这笔转账或要付的账单变了。下面是现在的情况，请核对后再入账。"


class StatementChanged(Refused):
    """Somebody else reads the file otherwise since it was looked at."""

    code = "statement_changed"
    message = "打开页面以后，另一位管理员改了这个文件的列。下面是现在的预览，请核对后再导入。"


class NobodysLine(Refused):
    """Nobody has said whose money it is."""

    code = "bank_line_nobodys"
    message = "还没有认出是谁的转账。先选企业，再入账。"


class LayoutIncomplete(Invalid):
    """The columns do not say enough."""

    code = "layout_incomplete"


class AllocationInvalid(Invalid):
    """The parts cannot be booked so; `fields` says why."""

    code = "allocation_invalid"


class PayerNameTaken(Invalid):
    """The name is remembered for another firm."""

    code = "payer_name_taken"
    message = "户名“%(name)s”已经记在企业“%(firm)s”名下。"
