"""A small site with the whole front door of `market.web` and a few pages of its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Blueprint, Flask, flash, redirect, render_template_string, request
from jinja2 import BytecodeCache
from wtforms import BooleanField, StringField

from market import audit, db, resources, web
from market.accounts import Organization, User
from market.config import ROOT, Settings
from market.errors import Refused
from market.kit import money
from market.web import forms, guards, login, security
from tests.builders.accounts import a_member, a_user, an_organization
from tests.support.client import Client

PAGE = """{% extends "layouts/storefront.html" %}{% block title %}一页{% endblock %}
{% block main %}<h1>一页</h1><p>{{ words }}</p>{% endblock %}"""

FORM = """{% extends "layouts/storefront.html" %}
{% from "components/error_summary.html" import error_summary, title_prefix %}{% from "components/field.html" import field %}
{% block title_prefix %}{{ title_prefix(form) }}{% endblock %}{% block title %}改名{% endblock %}
{% block main %}{{ error_summary(form) }}<h1>改名</h1><form method="post" novalidate>{{ form.csrf_token }}
{{ field(form.token) }}{{ field(form.name, hint="和营业执照上一致") }}{{ field(form.cap, prefix="¥") }}{{ field(form.agree) }}
<button>保存名称</button></form>{% endblock %}"""


class RenameForm(forms.MarketForm):
    name = StringField("企业名称", [forms.Filled(), forms.NotLongerThan(10)])
    cap = forms.MoneyField("封顶")
    agree = BooleanField("我同意", [forms.Filled("请勾选同意")])
    token = forms.TokenField()


class NameTaken(Refused):
    code = "name_taken"
    message = "“%(name)s”已经有人用了。"


def page(words: str = "") -> str:
    return render_template_string(PAGE, words=words)


def rename() -> object:
    form = RenameForm()
    if not form.validate_on_submit():
        return render_template_string(FORM, form=form), 422 if request.method == "POST" else 200
    if form.name.data == "示例":
        form.refuse(NameTaken(field="name", name="示例"))
        return render_template_string(FORM, form=form), 422
    flash("名称已保存", "ok")
    return redirect("/", 303)


def write(status: int) -> object:
    """Adds a person and answers with `status`."""
    user = db.session.merge(a_user(name="写入的人"))
    audit.record("user.added", user, by=audit.system("test"), at=resources.clock.now())
    return page(), status


def _raise(error: Exception) -> Callable[[], str]:
    def view() -> str:
        raise error

    return view


def sign_in(id: int) -> object:
    user = db.session.get(User, id)
    assert user is not None
    login.sign_in(user, remember="remember" in request.args, second_step=True)
    return redirect("/", 303)


def sign_out() -> object:
    login.sign_out()
    return redirect("/", 303)


def _face(name: str, guard: Callable[[], object]) -> Blueprint:
    """A face with its first page, and one that needs a permission."""
    face = Blueprint(name, __name__, url_prefix=f"/{name}")
    face.before_request(guard)  # type: ignore[type-var]  # guards answer None or a response
    overview = Blueprint("overview", __name__)
    template = PAGE.replace("storefront", name)
    overview.add_url_rule("/", "index", guards.require("overview.read")(lambda: render_template_string(template, words="")))
    overview.add_url_rule("/pay", "pay", guards.require("bills.pay")(lambda: page("可以付款")))
    face.register_blueprint(overview)
    return face


@pytest.fixture
def site(settings: Settings, database: None, compiled_templates: BytecodeCache, known_pages: None) -> Flask:
    """The small site."""
    app = Flask(
        "market",
        root_path=str(ROOT),
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
    )
    web.init_app(app, settings)
    app.jinja_env.bytecode_cache = compiled_templates
    app.test_client_class = Client
    auth = Blueprint("auth", __name__)
    auth.add_url_rule("/sign-in", "sign_in", lambda: page("登录"))
    storefront = Blueprint("storefront", __name__)
    storefront.register_blueprint(auth)
    app.register_blueprint(storefront)
    app.register_blueprint(_face("console", guards.buyer))
    app.register_blueprint(_face("vendor", guards.provider))
    app.register_blueprint(_face("admin", guards.administrator))
    app.add_url_rule("/", "home", page)
    app.add_url_rule("/rename", "rename", rename, methods=["GET", "POST"])
    app.add_url_rule("/write/<int:status>", "write", write, methods=["GET", "POST"])
    app.add_url_rule("/refused", "refused", _raise(NameTaken(name="示例")))
    app.add_url_rule("/value", "value", _raise(money.InvalidAmount("请填写金额")))
    app.add_url_rule("/broken", "broken", _raise(RuntimeError("secret-detail")))
    app.add_url_rule("/api/v1/broken", "api_broken", _raise(RuntimeError("secret-detail")))
    app.add_url_rule("/become/<int:id>", "become", sign_in, methods=["POST"])
    app.add_url_rule("/leave", "leave", sign_out, methods=["POST"])
    for view in (sign_in, sign_out):
        security.csrf.exempt(view)
    return app


@pytest.fixture
def visitor(site: Flask) -> Client:
    """Somebody who is not signed in."""
    client = site.test_client()
    assert isinstance(client, Client)
    return client


@pytest.fixture
def firm(database: None) -> Organization:
    """An organization that buys."""
    with db.transaction():
        return an_organization(name="示例五金有限公司")


@pytest.fixture
def owner(firm: Organization) -> User:
    """Who owns the firm."""
    with db.transaction() as session:
        return a_member(session.merge(firm))
