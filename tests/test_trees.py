"""Pages that are read quickly are read as html5lib reads them, and what is wrong in them is still found."""

from __future__ import annotations

import pytest

from tests.support import trees
from tests.support.shared import Numbers

HEAD = '<!doctype html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n<meta name="c" content=\'{"a":1}\'>\n<title>a &amp; b</title>\n</head>\n'
BODY = """<body class="x"><main><h1>标题</h1>
<svg class="i" viewBox="0 0 1 1"><use href="#a"/></svg><table><thead><tr><th>a</th></tr></thead><tbody><tr><td>1 &lt; 2</td></tr></tbody></table>
<form method="post"><p><input name="a" value="&#34;" required><br></p><textarea name="t">\nzwei</textarea>
<select name="s"><option selected>1</option></select></form><script type="application/ld+json">{"a<b": "&amp;"}</script>
{}</main></body>
</html>
"""


def page(part: str) -> str:
    return HEAD + BODY.replace("{}", part)


@pytest.fixture(autouse=True)
def _anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "_known", Numbers())
    trees.parse.cache_clear()


def test_what_is_known_is_read_alike_without_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    exactly = trees.exactly
    monkeypatch.setattr(trees, "exactly", lambda html: asked.append(html) or exactly(html))
    first, errors = trees.parse(page("<p>one <b>bold</b></p>"))
    assert not errors and len(asked) == 1
    other = page("<p>two <b>heavy</b> words &nbsp; and</p><p>more</p>")
    tree, errors = trees.parse(other)
    assert not errors and len(asked) == 1 and trees.same(tree, exactly(other)[0]) and not trees.same(tree, first)
    trees.parse(page("<p>three <i>new</i></p>"))
    assert len(asked) == 2


@pytest.mark.parametrize(
    "part",
    [
        "<p><div>x</div></p>", "<div>", "</div>", "<b><p>x</b></p>", "<p a=\"1\" a=\"2\">x</p>",
        "<p>&unheard;</p>", "<p>a < b</p>", "<p>\x01</p>", "<table><p>x</p></table>", "<form><form></form></form>", "<div/>",
        "<a href=\"#a\"><a href=\"#b\">x</a></a>", "<p a=b\"c>x</p>", "<select><div>x</div></select>",
    ],
)  # fmt: skip
def test_what_is_wrong_is_found_in_the_midst_of_what_is_known(part: str) -> None:
    good = page("<p>x</p><div>x</div><b>x</b><form>x</form><table><tbody><tr><td>x</td></tr></tbody></table><a href=\"#a\">x</a>")
    assert trees.parse(good)[1] == ()
    wrong = page(part)
    errors = trees.exactly(wrong)[1]
    assert errors
    for _ in range(2):
        trees.parse.cache_clear()
        assert trees.parse(wrong)[1] == errors
