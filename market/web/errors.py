"""Refusals and accidents, told to people as a page and to machines as problem+json (RFC 9457).

A page says what happened and what to do next; it never shows what was sent, nor anything of the
program's inside. An accident carries an incident number that the log has too. Without the database its page still
holds, unseen, what somebody typed, so that one button sends it again.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

import msgspec
import structlog
from flask import Flask, Response, current_app, g, got_request_exception, render_template, request
from flask_babel import LazyString, gettext
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from werkzeug.exceptions import HTTPException

from market import db
from market.errors import Invalid, MarketError, Refused
from market.kit.lifecycle import IllegalMove
from market.kit.refusal import Refusal
from market.web import login, logs
from market.web.htmx import is_fragment

log = structlog.get_logger("market.web")

#: What each status is called on its page, and what the visitor can do about it.
PAGES: dict[int, tuple[LazyString, LazyString]] = {
    400: (_l("这个请求读不懂"), _l("请返回上一页，再操作一次。")),
    401: (_l("需要先登录"), _l("登录以后会回到您要看的页面。")),
    403: (_l("您的账号不能看这一页"), _l("可请企业的老板（所有者）调整您的角色，或换一个账号登录。")),
    404: (_l("没有找到这一页"), _l("地址可能写错了，或者内容已经下架。您的数据没有受影响。")),
    405: (_l("这个地址不能直接打开"), _l("请从页面上的按钮进入。")),
    409: (_l("现在不能做这个操作"), _l("页面显示之后情况变了。请返回上一页，刷新后再看。")),
    410: (_l("这个链接已经没用了"), _l("请从最新的邮件里打开，或者重新要一封。")),
    413: (_l("上传的内容太大"), _l("请减小文件，或分几次上传。")),
    422: (_l("有几处需要改一下"), _l("请返回上一页，按提示修改。")),
    429: (_l("操作太频繁"), _l("请等 1 分钟再试。已经保存的内容不受影响。")),
    500: (_l("页面暂时打不开"), _l("问题已经记录。您的用量照常记录，已经保存的内容不受影响。")),
    503: (_l("数据库暂时连不上或太忙"), _l("请等 1 分钟再试。已经保存的内容不受影响。")),
}
#: The same below /api/, where a program asks and has neither pages nor buttons.
CALLS: dict[int, tuple[LazyString, LazyString]] = {
    400: (PAGES[400][0], _l("请对照 /api/docs 里的接口说明检查请求。")),
    404: (_l("没有找到"), _l("没有这个地址。接口说明在 /api/docs。")),
    405: (_l("不接受这个方法"), _l("这个地址不接受 %(method)s。")),
    422: (PAGES[422][0], _l("请按 errors 里的说明修改。")),
    500: (_l("服务器出错"), _l("问题已经记录，编号是 request_id。请稍后重发；用同一编号重发不会重复计费。")),
    503: (PAGES[503][0], _l("请等 1 分钟再发。用同一编号重发不会重复计费。")),
}
#: Without the database, to somebody who has sent something: it can be sent once more by our button, or by the browser's.
AGAIN = _l("刚才的内容没有保存，也没有办理。请等 1 分钟，再点“再发一次”，内容还是您刚才填的。")
RELOAD = _l("刚才的内容没有保存，也没有办理。请等 1 分钟再刷新这一页；浏览器问是否重新提交时选“继续”，内容会原样再发一次。")
UNSURE = _l("不知道刚才的内容保存了没有。请等 1 分钟，先打开原来的页面看看，没有保存的再填一次。")
#: What is typed and never written into a page: passwords and the words of a second step.
UNREPEATED = re.compile(r"password|secret|^current$|^code$", re.IGNORECASE)
FORGED = (
    _l("这一页放得太久了"),
    _l("为了您的账号安全，刚才的内容没有保存。请返回上一页刷新，再填一次。"),
)


def init_app(app: Flask) -> None:
    """Answer every refusal and every accident."""
    app.register_error_handler(MarketError, _refused)
    app.register_error_handler(Refusal, _value_refused)
    app.register_error_handler(CSRFError, _forged)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(OperationalError, _no_database)
    app.register_error_handler(NoConnection, _no_database)
    got_request_exception.connect(_log_accident, app)
    app.logger.disabled = True  # the line above logs the same traceback, with the incident number


def translate(refusal: MarketError | Refusal) -> str:
    """What a refusal says, in the visitor's language."""
    return str(gettext(refusal.message, **refusal.params))


def field_messages(refusal: MarketError) -> dict[str, str]:
    """The messages of a refusal by form field, translated; empty when it names none."""
    if isinstance(refusal, Invalid) and refusal.fields:
        return {
            name: translate(message) if isinstance(message, Refusal) else gettext(message)
            for name, message in refusal.fields.items()
        }
    return {refusal.field: translate(refusal)} if refusal.field else {}


def wants_problem() -> bool:
    """Whether a machine asks: by address, or because it prefers JSON to a page."""
    if _is_call():
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/json", "application/problem+json"])
    return best is not None and best != "text/html"


def problem(status: int, code: str, title: str, detail: str = "", **extra: Any) -> Response:
    """An answer by RFC 9457; `code` is stable, `title` and `detail` are for people."""
    body = {"type": "about:blank", "title": title, "status": status, "code": code, "detail": detail}
    body |= {"request_id": logs.request_id(), **extra}
    # It may tell of thousands of events, and Flask's own way of writing takes ten times as long.
    return Response(msgspec.json.encode(body, enc_hook=str), status, mimetype="application/problem+json")


def _is_call() -> bool:
    return request.path.startswith("/api/")


def _words(status: int, usual: int) -> tuple[str, str]:
    """Title and advice for a status, or those for the `usual` one."""
    known = PAGES | CALLS if _is_call() else PAGES
    title, advice = known.get(status, known[usual])
    return str(title), str(advice).replace("%(method)s", request.method)


def _refused(error: MarketError) -> Response:
    _start_afresh()
    title, advice = _words(error.status, 400)
    title = gettext(error.title) if error.title else title
    text = translate(error)
    if text.rstrip("。.") == title:
        text = advice
    if wants_problem():
        fields = field_messages(error)
        answer = problem(error.status, error.code, title, text, **({"errors": fields} if fields else {}))
    else:
        rest = text.removeprefix(f"{title}。").removeprefix(f"{title}. ")  # the heading has said it
        answer = _page(error.status, title, rest, fields=field_messages(error), code=error.code)
    if (seconds := getattr(error, "retry_after", None)) is not None:
        answer.headers["Retry-After"] = str(seconds)
    return answer


def _value_refused(refusal: Refusal) -> Response:
    if isinstance(refusal, IllegalMove):
        return _refused(Refused())
    return _refused(Invalid(translate(refusal)))


def _forged(error: CSRFError) -> Response:
    _start_afresh()
    title, text = map(str, FORGED)
    if wants_problem():
        return problem(400, "csrf", title, text)
    return _page(400, title, text, code="csrf")


def _http(error: HTTPException) -> Response:
    if error.response is not None:
        return error.response  # type: ignore[return-value]  # a view aborted with an answer of its own
    status = error.code or 500
    if status < 400:
        return error.get_response()  # type: ignore[return-value]  # a redirect of the router
    if status >= 500:
        cause = getattr(error, "original_exception", None)
        return _no_database(cause) if _away(cause) else _accident(status)
    _start_afresh()
    title, text = _words(status, 400)
    answer = (
        problem(status, error.name.lower().replace(" ", "_"), title, text)
        if wants_problem()
        else _page(status, title, text)
    )
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            answer.headers[name] = value
    return answer


def _away(error: BaseException | None) -> TypeGuard[OperationalError | NoConnection]:
    """Whether this says that there is no database now; a GET that tried to write is a bug of ours."""
    known = isinstance(error, OperationalError | NoConnection)
    return known and "readonly" not in str(error) and "read-only" not in str(error)


def _no_database(error: OperationalError | NoConnection) -> Response:
    if not _away(error):
        raise error
    log.error("database_unavailable", reason=type(error).__name__)
    # A connection that was lost while it committed leaves open whether that was done.
    answer = _accident(503, unsure=g.get("committing", False) and getattr(error, "connection_invalidated", False))
    answer.headers["Retry-After"] = "60"
    return answer


def _accident(status: int, *, unsure: bool = False) -> Response:
    """An answer made without the database: it may be what failed."""
    g.anonymous = True
    db.session.remove()
    title, text = _words(status, 500)
    if wants_problem():
        return problem(status, "internal_error" if status == 500 else "unavailable", title, text)
    if status != 503 or request.method != "POST":
        return _page(status, title, text, incident=logs.request_id())
    typed = None if unsure else _typed()
    text = str(UNSURE if unsure else RELOAD if typed is None else AGAIN)
    answer = _page(status, title, text, incident=logs.request_id(), typed=typed)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _typed() -> list[tuple[str, str]] | None:
    """What was sent, to be sent once more; None where a page may not repeat it, or cannot: files stay with the browser."""
    if request.files or any(UNREPEATED.search(name) for name in request.form):
        return None
    return [(name, value) for name, value in request.form.items(multi=True) if name != "csrf_token"]


def _page(
    status: int,
    title: str,
    text: str,
    *,
    fields: Mapping[str, str] | None = None,
    code: str = "",
    incident: str = "",
    typed: Sequence[tuple[str, str]] | None = None,
) -> Response:
    # An accident's page asks nobody: `render_template` would ask who is signed in, and a face for the numbers in its menu.
    render = current_app.jinja_env.get_template("errors/error.html").render if incident else _asking
    body = render(
        status=status, title=title, text=text, fields=fields or {}, code=code, incident=incident, typed=typed
    )
    answer = Response(body, status, mimetype="text/html")
    if is_fragment() and status != 503:
        # htmx leaves the page as it is on an error; these make it show the error instead of the content. Not for one
        # that will pass: something may have been typed there.
        answer.headers.update({"HX-Retarget": "#main", "HX-Reselect": "#main", "HX-Reswap": "outerHTML"})
    return answer


def _asking(**words: Any) -> str:
    return render_template("errors/error.html", **words)


def _start_afresh() -> None:
    """What failed may have left the session unusable; the error page reads from a clean one."""
    if db.session.registry.has():
        db.rollback()
        login.forget_loaded()
    db.begin(readonly=True)


def _log_accident(_app: Flask, exception: BaseException, **_: Any) -> None:
    log.error(
        "request_failed",
        incident=logs.request_id(),
        method=request.method,
        path=logs.path(),
        exc_info=exception,
    )
