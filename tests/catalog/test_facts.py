"""What an offering says: read, checked, complete, compared."""

from __future__ import annotations

import pytest

from market.catalog import facts


def problems(**values: object) -> dict[str, str]:
    with pytest.raises(facts.FactsInvalid) as caught:
        facts.parse(values)
    return caught.value.fields


def test_a_draft_may_be_empty():
    assert facts.dump(facts.parse({})).keys() == facts.OF_FIELD.keys()


def test_what_is_dumped_reads_back_the_same():
    content = {
        "name_zh": "办公电脑自动备份", "availability": "99.9", "export_days": 30, "sectors": ["textiles"],
        "certificates": [{"type": "djbh3", "number": "1", "valid_until": "2028-06-30"}],
    }  # fmt: skip
    assert facts.parse(facts.dump(facts.parse(content))) == facts.parse(content)


def test_blank_lines_of_a_form_are_dropped_and_blanks_around_words_too():
    read = facts.parse({"benefits_zh": [" 每天备份 ", "", "  "]})
    assert facts.dump(read)["benefits_zh"] == ["每天备份"]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name_zh", "字" * 25, "最多 24 个字"),
        ("name_zh", 7, "这里填文字"),
        ("availability", "99,9", "填 90 到 100 之间的百分数，例如 99.9"),
        ("availability", "89", "填 90 到 100 之间的百分数，例如 99.9"),
        ("exit_fee", "1.234", "填金额，最多两位小数，例如 200.00"),
        ("export_days", "soon", "这里填整数"),
        ("export_days", -1, "不能小于 0"),
        ("service_layer", "xaas", "只能从这些里选：iaas、paas、saas"),
        ("data_location", ["Guangzhou"], "填六位城市代码，省外填 cn，境外填 other"),
        ("start_steps_zh", ["1", "2", "3", "4"], "最多 3 条，现在 4 条"),
        ("certificates", [{"type": "magic", "number": "1"}], "只能从这些里选：djbh2、djbh3"),
        ("certificates", [{"type": "djbh2", "number": "1", "valid_until": "soon"}], "填日期，例如 2028-06-30"),
        ("color", "red", "没有这一项"),
    ],
)
def test_every_problem_says_where_and_how_to_mend_it(field, value, message):
    [(place, said)] = problems(**{field: value}).items()
    assert place.startswith(field)
    assert said.startswith(message)


def test_a_problem_inside_a_list_names_its_row():
    assert "faq[1].answer_en" in problems(
        faq=[
            {"question_zh": "问", "question_en": "Q", "answer_zh": "答", "answer_en": "A"},
            {"question_zh": "问", "question_en": "Q", "answer_zh": "答"},
        ]
    )


def test_all_problems_come_at_once():
    assert problems(availability="a", export_days="b").keys() == {"availability", "export_days"}


def test_an_english_text_may_have_more_letters_than_a_chinese_one_has_characters():
    assert facts.parse({"name_en": "letters " * 11})
    assert "name_zh" in problems(name_zh="letters " * 11)


def test_missing_lists_both_languages_in_the_order_of_the_form():
    gaps = facts.missing(facts.parse({"name_zh": "备份"}))
    assert [gap.field for gap in gaps][:2] == ["name_en", "tagline_zh"]
    assert gaps[0].label_zh == "服务名称（英文）"
    assert gaps[0].section == "basics"


def test_a_list_needs_as_many_entries_as_the_form_asks_for():
    gaps = {gap.field for gap in facts.missing(facts.parse({"start_steps_zh": ["1", "2"], "benefits_zh": ["1", "2", "3"]}))}
    assert "start_steps_zh" in gaps
    assert "benefits_zh" not in gaps


@pytest.mark.parametrize(("answer", "needed"), [("none", False), ("on_request", True), ("yes", True)])
def test_data_that_leaves_the_country_needs_an_explanation(answer, needed):
    gaps = {gap.field for gap in facts.missing(facts.parse({"cross_border": answer}))}
    assert ("cross_border_note_zh" in gaps) is needed


@pytest.mark.parametrize(("availability", "needed"), [("", False), ("99.9", True)])
def test_a_promise_needs_to_say_what_happens_when_it_is_missed(availability, needed):
    gaps = {gap.field for gap in facts.missing(facts.parse({"availability": availability}))}
    assert ("availability_credit_en" in gaps) is needed


def test_a_comparison_names_the_fields_that_differ():
    before, after = facts.parse({"name_zh": "备份", "availability": "99.9"}), facts.parse({"name_zh": "备份", "availability": "99.5"})
    [change] = facts.changes(before, after)
    assert (change.field, change.before, change.after) == ("availability", "99.9", "99.5")
    assert change.fact.material


@pytest.mark.parametrize(("availability", "minutes"), [("99.9", 43), ("99.95", 21), ("99.5", 216), ("100", 0)])
def test_a_promise_in_minutes(availability, minutes):
    assert facts.downtime_minutes(availability) == minutes


def test_every_fact_has_labels_in_both_languages_and_every_field_one_fact():
    for fact in facts.FACTS.values():
        assert fact.label_zh and fact.label_en
    assert set(facts.OfferingFacts.model_fields) == set(facts.OF_FIELD)
