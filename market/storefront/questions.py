"""What small firms really ask, and finding the answer in one's own words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from market.search import words

#: A word that more answers hold than this says nothing by itself.
_TELLING = 3
_SCALE = 1_000_000


@dataclass(frozen=True)
class Question:
    """A question with its answer and other words for it, and the page that says more: its name, its endpoint, what that needs."""

    question: LazyString
    answer: LazyString
    also: LazyString
    more: LazyString | None = None
    endpoint: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


#: The first six are those that buyers of cloud services ask most.
QUESTIONS = (
    Question(
        _l("没怎么用，为什么也有费用？"),
        _l("月费和年费不看用量。按用量的部分，每一笔都在账单上写着数量、单价和算式，点开就能核对。"),
        _l("扣费 每天扣钱 收费 没用"),
        _l("价格与账单说明"), "storefront.help.show", {"topic": "pricing"},
    ),
    Question(
        _l("付了月费，为什么还有别的费用？"),
        _l("套餐包含一定用量，超出的部分另收。包含多少、超出多少钱，写在服务页的价格表里；没有写的不会收。"),
        _l("包月 包年 多收 超出"),
    ),
    Question(
        _l("停用以后为什么还有一张账单？"),
        _l("月底统一出账。停用那个月的月费按天算，已经用掉的用量照实结算，之后不再有账单。"),
        _l("停了 注销 取消 还扣"),
        _l("退订与数据导出"), "storefront.help.show", {"topic": "leaving"},
    ),
    Question(
        _l("试用会不会变成收费？"),
        _l("不会自己变。试用到期自动停用；要继续用，您在控制台点“试用后继续使用”，试用结束后才开始收费。"),
        _l("免费 自动续费 试用账单"),
    ),
    Question(
        _l("这个月为什么变贵了？"),
        _l("在控制台打开“用量与费用”，最上面一句话就说主要原因；每个收费项目的用量、算式和每天的数量都列着。"),
        _l("涨价 费用增加 突然"),
        _l("打开用量与费用"), "console.usage.index",
    ),
    Question(
        _l("几分几厘的零头怎么算？"),
        _l("一个月的用量先加总，再乘单价，最后四舍五入到分，每一行只舍入一次。没有“抹零费用”。"),
        _l("抹零 四舍五入 小数 厘"),
    ),
    Question(
        _l("不懂技术，怎么知道要买哪一种？"),
        _l("在搜索框里用自己的话写要做的事，例如“电脑里的文件怕丢”。还没想好的，先看同行业的解决方案；找不到就写下来，管理员替您看。"),
        _l("小白 推荐 选哪个 找不到"),
        _l("写下您要做的事"), "storefront.requirements.new",
    ),
    Question(
        _l("两家价格写法不一样，怎么比？"),
        _l("勾选 2 到 4 项对比，填一次用量，每项都按自己的价格算出第一年一共多少钱。"),
        _l("对比 比价 便宜"),
        _l("怎么对比"), "storefront.compare.index",
    ),
    Question(
        _l("怎么知道服务商是真的公司？"),
        _l("平台核对营业执照和许可证，服务商页面上写着法定名称、统一社会信用代码、证号、有效期和核对日期。快到期和过期的会标出来。"),
        _l("骗子 靠谱 正规 资质 执照"),
        _l("服务商名录"), "storefront.providers.index",
    ),
    Question(
        _l("专票怎么开，什么时候能拿到？"),
        _l("账单出账后，老板或财务点“申请发票”，核对抬头后确认。发票由服务商开，5 个工作日内开好，能直接下载。要专票的，先在列表里勾选“能开专票”。"),
        _l("开票 发票 增值税 抵扣 税号"),
        _l("账单和发票的区别"), "storefront.help.show", {"topic": "fapiao"},
    ),
    Question(
        _l("只能对公转账吗，转错了怎么办？"),
        _l("对公转账总是可以用；付款页上列着现在还能用的其他方式，如银行卡、支付宝、微信支付。转账时忘了写备注码，或金额不对，款项会先挂着，管理员核对后入账或原路退回，付款页上写着进展。请不要再转一次。"),
        _l("付款 打款 汇款 退款 备注"),
        _l("对公转账指引"), "storefront.help.show", {"topic": "payment"},
    ),
    Question(
        _l("会计要看账单，又不想让他动别的，怎么办？"),
        _l("在“成员与权限”里邀请会计，角色选“财务”：能看账单、付账单、申请发票，不能订购和退订。"),
        _l("财务 权限 员工 代账"),
        _l("打开成员与权限"), "console.team.index",
    ),
    Question(
        _l("服务出了问题，找谁？"),
        _l("先找服务商的客服，电话和时间在服务页最下面。页面上写的和实际不一样的，点“反馈问题”，由平台管理员核实后答复。"),
        _l("客服 坏了 故障 投诉 电话"),
    ),
    Question(
        _l("不想用了，数据带得走吗，要多久？"),
        _l("每项服务都写明停用后几天内能导出、什么格式、多少天后彻底删除。先导出、再停用最稳妥。"),
        _l("退订 取消 导出 删除 换一家"),
        _l("退订与数据导出"), "storefront.help.show", {"topic": "leaving"},
    ),
    Question(
        _l("服务商不做了，我的数据怎么办？"),
        _l("服务下架后，已经订阅的企业继续按原条款用。真的停了，导出和删除的天数照样算。"),
        _l("倒闭 下架 跑路"),
    ),
    Question(
        _l("排在前面的，是不是付了钱？"),
        _l("不是。按相关程度排，一样相关的每天换一次顺序；付钱不能让服务排得更前，也不能进推荐目录。"),
        _l("广告 排名 竞价 推荐目录"),
        _l("推荐目录怎么评"), "storefront.recommended.index",
    ),
)  # fmt: skip


def found(asked: str, offered: Sequence[Question]) -> list[Question]:
    """Those that answer it, the best first: a word counts the more the fewer hold it."""
    texts = [words.plain(f"{one.question} {one.answer} {one.also}") for one in offered]
    worth: Counter[int] = Counter()
    for word in dict.fromkeys(words.cut(asked)):
        holding = [number for number, text in enumerate(texts) if word in text]
        worth.update(dict.fromkeys(holding, _SCALE // len(holding)) if holding else {})
    best = max(worth.values(), default=0)
    if best * _TELLING < _SCALE:
        return []
    return [offered[number] for number, value in worth.most_common() if 2 * value > best]
