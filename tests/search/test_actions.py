"""The index on disk: it follows the catalogue, can be lost, and never loses a change."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest
import whoosh.index
from sqlalchemy import delete

from market import catalog, db, resources, search
from market.catalog import Offering, offering_changed
from market.search import Kind
from market.search.documents import document
from market.search.models import SearchGeneration
from market.search.whoosh_index import WhooshIndex
from tests.builders.accounts import EARLY, an_actor
from tests.builders.catalog import an_offering, complete_facts

#: What is about files; the same is asked of tables by `test_index`.
ON_DISK = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def _listening() -> None:
    search.listen()


def publish(slug: str, **facts: object) -> int:
    with db.transaction():
        offering = an_offering(slug=slug, facts=complete_facts(**facts))
        offering_changed.send(offering, at=EARLY)
        return offering.id


def found(text: str) -> list[int] | None:
    """Ids of offerings, best first, however they were found."""
    with db.transaction(readonly=True):
        answer = search.find(text)
    return None if answer is None else [id for _worth, ids in answer.found.get(Kind.OFFERING, ()) for id in ids]


def lose_it() -> None:
    shutil.rmtree(resources.settings.index_dir, ignore_errors=True)
    with db.transaction():
        db.session.execute(delete(SearchGeneration))


def rename(id: int, name: str) -> None:
    with db.transaction():
        offering = db.session.get_one(Offering, id)
        revision = catalog.live_revision(offering)
        revision.facts = revision.facts | {"name_zh": name}
        offering_changed.send(offering, at=EARLY)


def test_there_is_no_answer_before_there_is_an_index() -> None:
    publish("backup")
    assert found("备份") is None


def test_what_is_published_is_found_in_both_languages_and_by_key_word() -> None:
    id = publish("backup", keywords=["误删恢复"])
    other = publish("sms", name_zh="企业短信", name_en="Text messages", tagline_zh="几秒送到", tagline_en="In seconds",
                    description_zh="发通知", description_en="Notices", benefits_zh=[], benefits_en=[], subcategory="")  # fmt: skip
    assert search.refresh(EARLY) == 4, "the offerings and their providers"
    assert found("误删恢复") == [id]
    assert found("BACKUP") == [id]
    assert found("短信") == [other]
    assert set(found("备份 短信")) == {id, other} and search.find("备份 短信").close, "nothing has both, so either will do"


def test_people_may_say_it_in_their_own_words() -> None:
    id = publish("backup", name_zh="文件备份")
    search.refresh(EARLY)
    assert found("我的文件怕丢") == [id]
    assert found("等保三级") == [id]
    assert found("需要实时同步") == [], "for whom it is not suited is no reason to find it"


def test_a_name_weighs_more_than_the_small_print() -> None:
    publish("other", name_zh="企业网盘", description_zh="也可以拿来做打印管理")
    best = publish("printing", name_zh="打印管理")
    search.refresh(EARLY)
    assert found("打印")[0] == best


def test_what_is_taken_down_is_gone_after_the_next_refresh() -> None:
    id = publish("backup")
    search.refresh(EARLY)
    with db.transaction():
        catalog.retire(db.session.get_one(Offering, id), reason="停产", by=an_actor(), at=EARLY)
    assert search.refresh(EARLY) == 1
    assert found("备份") == []


def test_a_changed_name_replaces_the_old_one() -> None:
    id = publish("backup", name_zh="老名字甲", description_zh="好用", tagline_zh="好用")
    search.refresh(EARLY)
    rename(id, "新名字乙")
    search.refresh(EARLY)
    assert found("新名字乙") == [id]
    assert found("甲") == []


def test_nothing_is_read_again_while_nothing_changes() -> None:
    publish("backup")
    search.refresh(EARLY)
    assert search.refresh(EARLY) == 0


def test_a_lost_index_is_made_anew() -> None:
    id = publish("backup")
    search.refresh(EARLY)
    lose_it()
    assert found("备份") is None
    search.refresh(EARLY)
    assert id in (found("备份") or [])


@ON_DISK
@pytest.mark.parametrize("lost", ["*.toc", "*.seg", "current"])
def test_a_damaged_index_is_made_anew(lost: str) -> None:
    id = publish("backup")
    search.refresh(EARLY)
    for file in resources.settings.index_dir.rglob(lost):
        file.unlink()
    assert found("备份") is None
    search.refresh(EARLY)
    assert id in (found("备份") or [])


@ON_DISK
def test_a_rebuild_leaves_one_generation_behind() -> None:
    publish("backup")
    for _again in range(3):
        assert len(list(search.rebuild())) == 2, "the offering and its provider"
    folders = [path for path in resources.settings.index_dir.rglob("g*") if path.is_dir()]
    assert len(folders) == 1


def test_two_writers_lose_nothing(tmp_path: Path) -> None:
    """The second one finds the first at work and leaves; the next sweep takes up what it left."""
    index = WhooshIndex(tmp_path / "index", patience=0.2)
    making = index.making()
    making.add([document(Kind.OFFERING, 1, {0: ["一号"]})])
    making.finish(upto=1)
    second = [document(Kind.OFFERING, 2, {0: ["二号"]})]
    held = whoosh.index.open_dir(str(index._generation())).writer()  # a writer that is not done yet
    assert not index.update(second, [], upto=2) and index.taken_up() == 1
    held.cancel()
    assert index.update(second, [], upto=2) and index.taken_up() == 2
    assert [ids for _worth, ids in index.find(search.parse("二号"))[Kind.OFFERING]] == [[2]]


@ON_DISK
def test_a_full_disk_stops_the_refresh_but_not_the_catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    id = publish("backup")
    search.refresh(EARLY)
    later = publish("later", name_zh="后来的服务", description_zh="", subcategory="", **dict.fromkeys(("tagline_zh", "tagline_en", "description_en"), "好"))

    def full(self: Path, *args: object, **kwargs: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", full)
        with pytest.raises(OSError, match="No space"):
            search.refresh(EARLY)
    assert id in (found("备份") or [])
    search.refresh(EARLY)
    assert found("后来") == [later]
