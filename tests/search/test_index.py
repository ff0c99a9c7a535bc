"""What every index promises, whatever engine is behind it: Whoosh where the database is SQLite, else PostgreSQL itself."""

from __future__ import annotations

from contextlib import suppress
from functools import cache

import pytest

from market import search
from market.search.documents import document
from market.search.index import Document, Key, Overtaken
from market.search.models import Kind

pytestmark = pytest.mark.usefixtures("database")
OFFERING, PROVIDER = Kind.OFFERING, Kind.PROVIDER


def a_document(id: int, name: str, top: str = "", text: str = "", kind: Kind = OFFERING) -> Document:
    return document(kind, id, {0: [name], 1: [top], 2: [text]})


@cache
def shelves() -> tuple[Document, ...]:
    """What there is; cutting Chinese takes half a second the first time, which only who asks for it should wait."""
    return (
        a_document(1, "办公电脑自动备份", "误删 勒索病毒", "电脑里的文件每天自动备份到云上，误删 30 天内能找回"),
        a_document(2, "文件存储空间", "对象存储 OSS S3", "按存的 GB 收费"),
        a_document(3, "企业短信", "SMS 验证码", "发货通知几秒送到"),
        a_document(4, "云服务器", "云主机 ECS", "跑网站和财务软件，每天备份一次"),
        a_document(5, "Cable Store", "Network cables", "It's 100% a \\ backslash"),
        a_document(6, "示例云", "广州", "", PROVIDER),
    )


@pytest.fixture
def index() -> search.SearchIndex:
    made = search.index()
    making = made.making()
    making.add(shelves())
    making.finish(upto=7)
    return made


def ids(index: search.SearchIndex, text: str, *, some: bool = False, kind: Kind = OFFERING) -> list[int]:
    """Best first; equals in ascending order."""
    found = index.find(search.parse(text), some=some)
    assert found is not None
    return [id for _worth, each in found[kind] for id in sorted(each)]


def strict(index: search.SearchIndex, text: str) -> list[int]:
    found = index.find(search.parse(text).strict)
    assert found is not None
    return [id for _worth, each in found[OFFERING] for id in sorted(each)]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("备份", [1, 2, 4]),  # its name; what else may stand for it; the text
        ("OSS", [2]),
        ("object storage", [2]),
        ("短信", [3]),
        ("sms", [3]),
        ("text messages", [3]),
        ("cable", [5]),
        ("cables", [5]),
        ("备份 电脑", [1]),
        ("备份 短信", []),
        ("备份 -电脑", [2, 4]),
        ('"每天自动备份"', [1]),
        ('"自动备份每天"', []),
        ('备份 -"误删"', [2, 4]),
        ("网站", [4]),
        ("云服务器", [4]),
        ("服务器", [4]),
        ("企业短信", [3]),
        ("等保", []),
        ("-短信", [1, 2, 4, 5]),
    ],
)
def test_words_find_what_has_them_all_the_best_place_first(index, asked, expected) -> None:
    assert strict(index, asked) == expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("beifen", [1]), ("bf", [1]), ("duanxin", [3]), ("qydx", [3]), ("yunfuwuqi", [4]), ("yunfuw", [4]), ("verif", []), ("netw", [5]), ("zzz", [])],
)
def test_sounds_and_beginnings_find_names(index, asked, expected) -> None:
    assert ids(index, asked) == expected


def test_some_words_find_what_has_most_of_them(index) -> None:
    assert ids(index, "备份 短信 通知", some=True) == [3]
    assert ids(index, "没有的 短信", some=True) == [3]


def test_a_whole_name_comes_first(index) -> None:
    index.update([a_document(9, "企业短信群发平台"), a_document(8, "备份")], [], upto=8)
    assert strict(index, "企业短信")[0] == 3
    assert strict(index, "备份")[0] == 8


def test_providers_are_told_apart_from_offerings_with_their_number(index) -> None:
    index.update([a_document(6, "六号服务"), a_document(1, "一号公司", kind=PROVIDER)], [], upto=8)
    assert ids(index, "六号") == [6] and ids(index, "一号", kind=PROVIDER) == [1]
    assert ids(index, "广州", kind=PROVIDER) == [6] and ids(index, "广州") == []


def test_what_is_written_again_replaces_and_what_is_dropped_is_gone(index) -> None:
    assert index.update([a_document(3, "企业邮件")], [Key(OFFERING, 2)], upto=9)
    assert strict(index, "短信") == [] and strict(index, "oss") == [] and strict(index, "邮件") == [3]
    assert index.taken_up() == 9


def test_without_an_index_there_is_no_answer_and_nothing_is_written_into_nowhere() -> None:
    none = search.index()
    assert none.find(search.parse("备份")) is None and none.taken_up() is None and not none.spoken()
    assert not none.update([shelves()[0]], [], upto=3)
    assert none.find(search.parse("备份")) is None


def test_one_of_an_empty_catalogue_answers_with_nothing_and_takes_what_comes() -> None:
    made = search.index()
    made.making().finish(upto=1)
    assert made.taken_up() == 1 and ids(made, "备份") == []
    assert made.update([shelves()[0]], [], upto=2)
    assert ids(made, "备份") == [1]


def test_the_old_one_answers_until_the_new_one_is_ready(index) -> None:
    making = index.making()
    making.add([a_document(1, "新的")])
    assert strict(index, "短信") == [3] and strict(index, "新的") == []
    making.finish(upto=11)
    assert strict(index, "短信") == [] and strict(index, "新的") == [1] and index.taken_up() == 11


def test_one_that_is_given_up_leaves_nothing(index) -> None:
    making = index.making()
    making.add([a_document(1, "新的")])
    making.leave()
    assert strict(index, "短信") == [3] and index.taken_up() == 7


def test_of_two_made_at_once_one_answers_and_the_other_is_told(index) -> None:
    slow, quick = index.making(), index.making()
    for making in (quick, slow):
        try:
            making.add([a_document(1, "新的")])
            making.finish(upto=11)
        except Overtaken:
            assert making is slow
            making.leave()
    assert strict(index, "短信") == [] and strict(index, "新的") == [1] and index.taken_up() == 11


def test_one_overtaken_before_its_last_step_changes_nothing(index) -> None:
    slow, quick = index.making(), index.making()
    slow.add([a_document(1, "慢的")])
    quick.add([a_document(1, "新的")])
    quick.finish(upto=11)
    with suppress(Overtaken):
        slow.finish(upto=9)
    assert strict(index, "短信") == [] and len(strict(index, "新的") + strict(index, "慢的")) == 1


def test_it_knows_the_words_of_names_and_key_words(index) -> None:
    spoken = set(index.spoken())
    assert {"备份", "短信", "oss", "云服务器"} <= spoken and not any(word.startswith(("~", "=")) for word in spoken)


NONSENSE = (
    "", " ", '"', '""', "-", "--", "- -", '-"', "AND OR NOT", "' OR 1=1 --", "; DROP TABLE search_documents", "%", "_", "\\", "\\'", "':*",
    "a & b | !c", "<->", "备份:*A", "😀", "😀😀 备份", "\ufffd", "*", "(", ")", "(((", "~bf", "=云服务器", "x" * 3000, "备" * 3000, "a " * 500,
    "\u200b", "０１２ ＳＭＳ", "''''", "e\u0301", "𠮷野家", "-备份 -短信 -云服务器", "ß", "İstanbul",
)  # fmt: skip


@pytest.mark.parametrize("some", [False, True])
def test_anything_that_can_be_typed_is_answered(index, some) -> None:
    for asked in NONSENSE:
        assert index.find(search.parse(asked), some=some) is not None, asked


def test_typed_signs_are_never_the_language_of_the_engine(index) -> None:
    assert strict(index, "' OR 1=1 --") == [] and ids(index, "ＳＭＳ") == [3]
    assert strict(index, '"100% a \\ backslash"') == [5]
