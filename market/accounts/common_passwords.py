"""The commonest passwords, by how they are made: a word everybody uses, with a year or marks, a run, a pattern.

A list of leaked passwords holds mostly these, and each list another part of them; the rule covers them all.
"""

from __future__ import annotations

import re

#: What remains of a common password without its digits and marks. Pinyin and keyboards of this country included.
_WORDS = """
a aa aaa ab abc abcd abcde abcdef abcdefg abcdefgh access account admin adminadmin administrator adobe alexander
alibaba amanda america andrea andrew angel anthony apple aptx asd asdasd asdf asdfg asdfgh asdfghj asdfghjk asdfghjkl
ashley azerty baby babygirl baidu bailey baobao baobei baseball basketball batman beijing blink business buster
butterfly cainiao caonima changeme charlie cheese chelsea china chinese chocolate chuangye cloud company computer
cookie daniel default demo dragon dubsmash enterprise facai faguang family flower football forever freedom friends
fuckyou gaoxing george ginger gongsi google guangdong guangzhou guest hahaha hahahaha hannah harley hello helloworld
hengda hockey huawei hunan hunter iloveu iloveyou jennifer jessica jiayou jordan joshua justin kaixin killer kuaile
laoban laopo letmein li linkedin liu liverpool login london love lovely loveme loveyou lucky maggie manager market
master matrix matthew merlin michael michelle mima mimashi minecraft money monkey mustang mypassword myspace naruto
nicole nihao ninja office oracle p pa pass passion passpass passphrase passwd password passwords passwort pepper
pokemon princess purple q qaz qazwsx qazwsxedc qq qqq qqww qwe qweasd qweasdzxc qweqwe qwer qwert qwerty qwertyui
qwertyuiop ranger robert root samsung secret server service shadow shanghai shengyi shenzhen shunli soccer sophie
spring starwars summer sunshine superman support system taobao taylor tencent test tester testing testtest thomas
tianshi tigger tinkle trustno unknown user wang wangyi wechat weixin welcome whatever william winter wo woaini
woaiwojia wodemima wohenhao wojia woshishui wxid xiaoming xiaoxin xiexie yahoo yang yueqi yueqiyunshi yunshi z zaq
zhang zhanghao zhao zhongguo zxc zxcv zxcvbn zxcvbnm
"""
WORDS = frozenset(_WORDS.split())
_ROWS = ("01234567890123456789", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm", "1qaz2wsx3edc4rfv5tgb6yhn7ujm")
_LEET = str.maketrans("@4031!5$7", "aaoeiisst")


def is_common(password: str) -> bool:
    """Whether it is one of the first that anybody would guess."""
    bare = squeezed(password)
    # A year or marks at the end are no letters in disguise.
    stem = re.sub(r"[\d\W_]+$", "", password.lower())
    parts = {_letters(form) for form in (bare, bare.translate(_LEET), squeezed(stem.translate(_LEET)))}
    return _is_run(bare) or _is_repeated(bare) or bool(parts & WORDS) or not _letters(bare) or _doubled(_letters(bare))


def squeezed(text: str) -> str:
    """In small letters, without spaces and marks."""
    return re.sub(r"[\W_]+", "", text.lower())


def _letters(text: str) -> str:
    return re.sub(r"\d+", "", text)


def _is_run(text: str) -> bool:
    """One row of the keyboard, the alphabet or the digits, forwards or backwards, in one or two pieces."""
    rows = [*_ROWS, *(row[::-1] for row in _ROWS)]

    def within(part: str) -> bool:
        return any(part in row for row in rows)

    return any(within(text[:cut]) and within(text[cut:]) for cut in range(len(text) + 1))


def _is_repeated(text: str) -> bool:
    """Few different characters, or one short piece again and again."""
    return len(set(text)) <= 3 or re.fullmatch(r"(.{1,5}?)\1+.{0,4}", text) is not None


def _doubled(letters: str) -> bool:
    half = len(letters) // 2
    return bool(letters) and letters[:half] == letters[half:] and letters[:half] in WORDS
