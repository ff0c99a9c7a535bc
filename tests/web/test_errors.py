"""Refusals and accidents are told in words, to people and to machines."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from market.errors import Invalid
from market.kit import money
from market.web import errors
from tests.support.client import Client


def test_a_refusal_is_a_page_that_says_why(visitor: Client) -> None:
    page = visitor.page("/refused", status=409)
    assert page.heading == "现在不能做这个操作"
    assert "“示例”已经有人用了。" in page.text


def test_a_machine_gets_the_same_as_problem_json(visitor: Client) -> None:
    answer = visitor.get("/refused", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.mimetype) == (409, "application/problem+json")
    assert answer.json["code"] == "name_taken"
    assert answer.json["detail"] == "“示例”已经有人用了。"
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]


def test_below_api_every_error_is_for_machines(visitor: Client) -> None:
    answer = visitor.get("/api/v1/nowhere", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_a_value_that_cannot_be_used_is_not_an_accident(visitor: Client) -> None:
    assert "请填写金额" in visitor.page("/value", status=422).text


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nowhere", 404), ("DELETE", "/", 405), ("POST", "/rename", 400)]
)
def test_what_cannot_be_answered_is_still_a_right_page(
    visitor: Client, method: str, path: str, status: int
) -> None:
    answer = visitor.open(path, method=method)
    assert answer.status_code == status
    assert "回到首页" in answer.text


def test_an_accident_shows_a_number_that_the_log_has_too(site: Flask) -> None:
    site.config["PROPAGATE_EXCEPTIONS"] = False
    with capture_logs() as lines:
        answer = site.test_client().get("/broken")
    accident = next(line for line in lines if line["event"] == "request_failed")
    assert answer.status_code == 500
    assert accident["incident"] in answer.text
    assert "secret-detail" not in answer.text


def test_an_accident_of_the_api_is_problem_json(site: Flask) -> None:
    site.config["PROPAGATE_EXCEPTIONS"] = False
    answer = site.test_client().get("/api/v1/broken")
    assert (answer.status_code, answer.json["code"]) == (500, "internal_error")
    assert "secret-detail" not in answer.text


def test_a_database_that_cannot_be_reached_is_said_so(site: Flask) -> None:
    def unreachable() -> str:
        raise OperationalError("SELECT 1", {}, Exception("connection refused"))

    site.add_url_rule("/unreachable", "unreachable", unreachable)
    answer = site.test_client().get("/unreachable")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert "数据库暂时连不上" in answer.text


def test_htmx_shows_an_error_in_place_of_the_content(visitor: Client) -> None:
    answer = visitor.get("/api-less", headers={"HX-Request": "true", "HX-Boosted": "true"})
    assert (answer.status_code, answer.headers["HX-Retarget"]) == (404, "#main")


def test_messages_stand_at_the_fields_they_belong_to(site: Flask) -> None:
    with site.test_request_context("/"):
        refusal = Invalid(
            fields={
                "cap": money.InvalidAmount("“%(written)s”不是金额", written="abc"),
                "name": "填写企业名称",
            }
        )
        assert errors.field_messages(refusal) == {"cap": "“abc”不是金额", "name": "填写企业名称"}
