"""The words from which made-up listings are put together: who they are for, what they do, what is measured."""

from __future__ import annotations

from typing import NamedTuple


class Audience(NamedTuple):
    """For whom a listing is made."""

    zh: str
    en: str
    sector: str


class Thing(NamedTuple):
    """What a listing does: its place in the catalogue, its benefit, and which measure it charges by."""

    category: str
    subcategory: str
    zh: str
    en: str
    benefit_zh: str
    benefit_en: str
    measure: str
    layer: str


class Measure(NamedTuple):
    """A meter that made-up providers have."""

    slug: str
    name_zh: str
    name_en: str
    aggregation: str
    time_base: str
    value_property: str
    unit_zh: str
    unit_en: str
    #: What a small firm uses in a month, and what one unit costs in yuan.
    typical: int
    price: str


AUDIENCES = (
    Audience("服装厂", "Garment Makers", "textiles"),
    Audience("家具厂", "Furniture Makers", "building-materials"),
    Audience("五金厂", "Hardware Makers", "smart-manufacturing"),
    Audience("汽配店", "Car Parts Dealers", "automobile"),
    Audience("电子厂", "Electronics Makers", "electronics"),
    Audience("食品厂", "Food Makers", "food-medicine"),
    Audience("药店", "Pharmacies", "food-medicine"),
    Audience("陶瓷厂", "Tile Makers", "building-materials"),
    Audience("化工店", "Chemical Dealers", "petrochemicals"),
    Audience("果园", "Orchards", "speciality-commerce"),
    Audience("水产户", "Fish Farms", "production-monitoring"),
    Audience("茶园", "Tea Gardens", "quality-tracing"),
    Audience("合作社", "Cooperatives", "farm-supply-chain"),
    Audience("村集体", "Villages", "rural-information"),
    Audience("培训班", "Training Schools", "education-culture"),
    Audience("物流队", "Hauliers", "logistics"),
    Audience("诊所", "Clinics", "health"),
    Audience("民宿", "Guesthouses", "tourism"),
    Audience("网店", "Online Shops", "e-commerce"),
    Audience("影楼", "Photo Studios", "media"),
)

THINGS = (
    Thing("storage", "backup", "文件备份", "File Backup", "每天自动备份一份，误删能找回",
          "A copy every day, so deleted files come back", "space", "saas"),
    Thing("storage", "drive", "共享文件柜", "Shared Drive", "图纸和报价放在一处，谁改过有记录",
          "Drawings and quotes in one place, with a record of changes", "people", "saas"),
    Thing("storage", "object", "照片存放", "Photo Storage", "照片随存随取，存多少付多少",
          "Photos at hand, paid by what is stored", "space", "iaas"),
    Thing("storage", "archive", "单据存档", "Document Archive", "单据留十年，审计时拿得出来",
          "Papers kept for ten years, ready for an audit", "space", "iaas"),
    Thing("storage", "database", "业务数据库", "Business Database", "订单和库存数据坏不了、丢不了",
          "Order and stock data that neither breaks nor disappears", "space", "paas"),
    Thing("development", "server", "云服务器", "Cloud Server", "不买机器也能跑软件",
          "Run software without buying a machine", "traffic", "iaas"),
    Thing("development", "website", "宣传网站", "Company Site", "十五天做好网站，文字自己能改",
          "A site in fifteen days, with texts you can change", "traffic", "saas"),
    Thing("development", "business", "派工审批", "Job Sheets and Approvals", "派工、请假、报销在手机上批",
          "Jobs, leave and expenses approved on a phone", "people", "paas"),
    Thing("development", "tools", "代码托管", "Code Hosting", "程序员离职，代码还在公司",
          "The code stays when a programmer leaves", "people", "paas"),
    Thing("development", "devices", "设备采集", "Machine Readings", "机器开没开，手机上看得到",
          "See on a phone which machines run", "calls", "paas"),
    Thing("promotion", "messaging", "通知短信", "Text Notices", "发货到货自动通知客户",
          "Customers are told when goods ship", "calls", "paas"),
    Thing("promotion", "shop", "网上小店", "Small Online Shop", "三天开店，不抽成交佣金",
          "A shop in three days, without commission", "orders", "saas"),
    Thing("promotion", "content", "产品短片", "Product Clips", "一周出片，直接能发",
          "Clips within a week, ready to post", "orders", "saas"),
    Thing("promotion", "trace", "扫码追溯", "Scan to Trace", "客户扫一下就知道产地",
          "One scan shows where it came from", "calls", "saas"),
    Thing("promotion", "visibility", "地图登记", "Map Entries", "客户在地图上找得到您",
          "Customers find you on the map", "people", "saas"),
    Thing("payment", "collect", "收银台", "Till", "扫码现金一台收，断网也能用",
          "Codes and cash at one till, with or without network", "orders", "saas"),
    Thing("payment", "reconcile", "自动对账", "Payment Matching", "谁没付钱，一眼看到",
          "See at once who has not paid", "orders", "saas"),
    Thing("payment", "einvoice", "发票整理", "Fapiao Sorting", "发票拍照就归好，不会重复报销",
          "A photo files the fapiao, and none is paid twice", "calls", "saas"),
    Thing("payment", "contract", "手机签约", "Signing by Phone", "合同当天签完，不用寄快递",
          "Contracts signed the same day, without a courier", "orders", "saas"),
    Thing("payment", "members", "会员积分", "Member Points", "扫码入会，回头客看得见",
          "Join by scanning, and see who comes back", "calls", "saas"),
)  # fmt: skip

MEASURES = (
    Measure("space", "占用空间", "Space used", "time_weighted", "period", "gb", "GB", "GB", 300, "0.12"),
    Measure("traffic", "外网流量", "Internet traffic", "sum", "", "gb", "GB", "GB", 60, "0.55"),
    Measure("people", "使用人数", "People", "max", "", "people", "人", "person", 12, "11.00"),
    Measure("calls", "处理次数", "Times used", "sum", "", "count", "次", "use", 3000, "0.04"),
    Measure("orders", "单数", "Orders", "count", "", "", "单", "order", 400, "0.10"),
)

HOURS = (
    ("工作日 9:00–18:00", "Working days 9:00–18:00"),
    ("每天 8:00–22:00", "Every day 8:00–22:00"),
    ("每天 24 小时", "24 hours, every day"),
)
AVAILABILITY = ("99.5", "99.9", "99.95")
