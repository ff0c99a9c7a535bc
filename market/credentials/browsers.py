"""What a browser calls itself, in words a person recognizes: “Chrome · Windows”."""

from __future__ import annotations

#: The first mark found decides: a browser calls itself by its relatives' names too, so the peculiar ones come first.
_BROWSERS = (
    ("wxwork/", "企业微信"), ("micromessenger", "微信"), ("dingtalk", "钉钉"), ("alipayclient", "支付宝"),
    ("edg", "Edge"), ("qqbrowser", "QQ 浏览器"), ("ucbrowser", "UC 浏览器"), ("huaweibrowser", "华为浏览器"),
    ("miuibrowser", "小米浏览器"), ("360se", "360 浏览器"), ("opr/", "Opera"), ("samsungbrowser", "Samsung Internet"),
    ("firefox", "Firefox"), ("fxios", "Firefox"), ("chrome", "Chrome"), ("crios", "Chrome"), ("safari", "Safari"),
    ("curl", "curl"), ("python", "Python"),
)  # fmt: skip
_SYSTEMS = (
    ("openharmony", "HarmonyOS"), ("harmonyos", "HarmonyOS"), ("iphone", "iPhone"), ("ipad", "iPad"),
    ("android", "Android"), ("windows", "Windows"), ("mac os", "macOS"), ("cros", "ChromeOS"), ("linux", "Linux"),
)  # fmt: skip


def words(agent: str) -> str:
    """Browser and system of a User-Agent header; what it does not tell is left out."""
    said = agent.lower()
    found = [next((name for mark, name in names if mark in said), "") for names in (_BROWSERS, _SYSTEMS)]
    return " · ".join(filter(None, found))
