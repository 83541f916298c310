"""Abbreviations: TP.HCM, UBND, PGS.TS, Q.1, P. Bến Nghé, tr. 5, v.v. Those of several meanings are said only where the context tells
which.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from loa.saying.said import Rule, Speak
from loa.saying.vietnamese.letters import readable
from loa.saying.vietnamese.numbers import ordinal

# Always, whatever stands around.
PLAIN = {
    "TP.HCM": "thành phố Hồ Chí Minh", "TPHCM": "thành phố Hồ Chí Minh", "TP HCM": "thành phố Hồ Chí Minh",
    "Tp.HCM": "thành phố Hồ Chí Minh", "TP. HCM": "thành phố Hồ Chí Minh", "Tp. HCM": "thành phố Hồ Chí Minh",
    "tp.hcm": "thành phố Hồ Chí Minh", "HCM": "Hồ Chí Minh", "TP.HN": "thành phố Hà Nội", "TP": "thành phố", "TX": "thị xã",
    # The state
    "UBND": "ủy ban nhân dân", "HĐND": "hội đồng nhân dân", "UBTVQH": "ủy ban thường vụ quốc hội", "UBMTTQ": "ủy ban mặt trận tổ quốc",
    "MTTQ": "mặt trận tổ quốc", "TAND": "tòa án nhân dân", "VKSND": "viện kiểm sát nhân dân", "VKS": "viện kiểm sát",
    "CSGT": "cảnh sát giao thông", "CAND": "công an nhân dân", "QĐND": "quân đội nhân dân", "CSĐT": "cảnh sát điều tra",
    "CSHS": "cảnh sát hình sự", "BĐBP": "bộ đội biên phòng", "PCCC": "phòng cháy chữa cháy", "CHXHCN": "cộng hòa xã hội chủ nghĩa",
    "XHCN": "xã hội chủ nghĩa", "CNXH": "chủ nghĩa xã hội", "ĐCSVN": "đảng cộng sản Việt Nam", "TBT": "tổng bí thư",
    "TTgCP": "thủ tướng chính phủ", "TƯ": "trung ương", "TW": "trung ương", "BCH": "ban chấp hành", "BCHTW": "ban chấp hành trung ương",
    "BQL": "ban quản lý", "GPMB": "giải phóng mặt bằng", "QSDĐ": "quyền sử dụng đất", "TNCS": "thanh niên cộng sản",
    "LHPN": "liên hiệp phụ nữ", "LHQ": "Liên hợp quốc", "VBQPPL": "văn bản quy phạm pháp luật", "GTVT": "giao thông vận tải",
    "GD&ĐT": "giáo dục và đào tạo", "GDĐT": "giáo dục và đào tạo", "GD-ĐT": "giáo dục và đào tạo", "GDTX": "giáo dục thường xuyên",
    "KH&CN": "khoa học và công nghệ", "KHCN": "khoa học công nghệ", "KH-CN": "khoa học công nghệ", "KH&ĐT": "kế hoạch và đầu tư",
    "KH-ĐT": "kế hoạch và đầu tư", "TN&MT": "tài nguyên và môi trường", "TN-MT": "tài nguyên và môi trường",
    "NN&PTNT": "nông nghiệp và phát triển nông thôn", "NN-PTNT": "nông nghiệp và phát triển nông thôn",
    "TT&TT": "thông tin và truyền thông", "VHTT&DL": "văn hóa, thể thao và du lịch", "VHTTDL": "văn hóa, thể thao và du lịch",
    "LĐTBXH": "lao động, thương binh và xã hội", "LĐ-TB&XH": "lao động, thương binh và xã hội", "VH-TT": "văn hóa thể thao",
    "NSNN": "ngân sách nhà nước", "NHNN": "ngân hàng nhà nước",
    # The economy and what is insured
    "BHXH": "bảo hiểm xã hội", "BHYT": "bảo hiểm y tế", "BHTN": "bảo hiểm thất nghiệp", "BĐS": "bất động sản", "KCN": "khu công nghiệp",
    "KCX": "khu chế xuất", "KĐT": "khu đô thị", "CCN": "cụm công nghiệp", "TTTM": "trung tâm thương mại", "TNHH": "trách nhiệm hữu hạn",
    "MTV": "một thành viên", "CTCP": "công ty cổ phần", "DNNN": "doanh nghiệp nhà nước", "DNTN": "doanh nghiệp tư nhân",
    "HTX": "hợp tác xã", "HĐQT": "hội đồng quản trị", "ĐHĐCĐ": "đại hội đồng cổ đông", "TTCK": "thị trường chứng khoán",
    "TMCP": "thương mại cổ phần", "NHTM": "ngân hàng thương mại", "NHTMCP": "ngân hàng thương mại cổ phần", "KT-XH": "kinh tế xã hội",
    "KTXH": "kinh tế xã hội", "ANTT": "an ninh trật tự", "ATGT": "an toàn giao thông", "TNGT": "tai nạn giao thông",
    "ATTP": "an toàn thực phẩm", "VSATTP": "vệ sinh an toàn thực phẩm", "TTATXH": "trật tự an toàn xã hội", "QPAN": "quốc phòng an ninh",
    "TĐC": "tái định cư", "TGĐ": "tổng giám đốc", "PGĐ": "phó giám đốc", "GĐ": "giám đốc", "CBCNV": "cán bộ công nhân viên",
    "CBCC": "cán bộ công chức", "GTGT": "giá trị gia tăng", "TNDN": "thu nhập doanh nghiệp", "TNCN": "thu nhập cá nhân",
    "NLĐ": "người lao động", "NSDLĐ": "người sử dụng lao động", "HĐLĐ": "hợp đồng lao động",
    # Schools, culture, sport
    "THPT": "trung học phổ thông", "THCS": "trung học cơ sở", "ĐHQG": "đại học quốc gia", "ĐHQGHN": "đại học quốc gia Hà Nội",
    "ĐHSP": "đại học sư phạm", "ĐHBK": "đại học bách khoa", "CNTT": "công nghệ thông tin", "KTX": "ký túc xá", "SGK": "sách giáo khoa",
    "GVCN": "giáo viên chủ nhiệm", "HSSV": "học sinh sinh viên", "NCKH": "nghiên cứu khoa học", "TTXVN": "thông tấn xã Việt Nam",
    "NXB": "nhà xuất bản", "CLB": "câu lạc bộ", "HLV": "huấn luyện viên", "VĐV": "vận động viên", "TDTT": "thể dục thể thao",
    "HCV": "huy chương vàng", "HCB": "huy chương bạc", "HCĐ": "huy chương đồng", "VĐQG": "vô địch quốc gia", "NSND": "nghệ sĩ nhân dân",
    "NSƯT": "nghệ sĩ ưu tú", "NGND": "nhà giáo nhân dân", "NGƯT": "nhà giáo ưu tú", "VHNT": "văn học nghệ thuật",
    # Titles
    "GS.TSKH": "giáo sư, tiến sĩ khoa học", "GS.TS": "giáo sư, tiến sĩ", "GS-TS": "giáo sư, tiến sĩ", "GS TS": "giáo sư, tiến sĩ",
    "PGS.TS": "phó giáo sư, tiến sĩ", "PGS-TS": "phó giáo sư, tiến sĩ", "PGS TS": "phó giáo sư, tiến sĩ",
    "PGS.TSKH": "phó giáo sư, tiến sĩ khoa học", "TS.BS": "tiến sĩ, bác sĩ", "ThS.BS": "thạc sĩ, bác sĩ", "PGS": "phó giáo sư",
    "TSKH": "tiến sĩ khoa học", "ThS": "thạc sĩ", "Ths": "thạc sĩ", "Th.S": "thạc sĩ", "BSCKII": "bác sĩ chuyên khoa hai",
    "BSCKI": "bác sĩ chuyên khoa một", "BSCK2": "bác sĩ chuyên khoa hai", "BSCK1": "bác sĩ chuyên khoa một", "KTS": "kiến trúc sư",
    "DS.CK": "dược sĩ chuyên khoa",
    # Everyday
    "SĐT": "số điện thoại", "ĐBQH": "đại biểu quốc hội", "ĐTDĐ": "điện thoại di động", "TCN": "trước công nguyên",
    "SCN": "sau công nguyên", "VN": "Việt Nam", "VN-Index": "vê en Index", "VN-INDEX": "vê en Index", "TPCN": "thực phẩm chức năng",
    "đ/c": "địa chỉ", "Đ/c": "địa chỉ", "Đ/C": "địa chỉ", "k/g": "kính gửi", "vv": "vân vân", "VSMT": "vệ sinh môi trường",
    "BVMT": "bảo vệ môi trường",
}  # fmt: skip

# Before a name, or a figure where "1" stands behind the comma; the full stop belongs to them.
_TITLES = {
    "GS": "giáo sư", "TS": "tiến sĩ", "BS": "bác sĩ", "KS": "kỹ sư", "LS": "luật sư", "DS": "dược sĩ", "CN": "cử nhân", "NS": "nghệ sĩ",
    "HS": "họa sĩ", "TP": "thành phố", "Tp": "thành phố", "tp": "thành phố", "TX": "thị xã", "Tx": "thị xã", "TT": "thị trấn",
    "Q": "quận", "P": "phường", "H": "huyện", "X": "xã", "Đ": "đường", "ĐH": "đại học", "CĐ": "cao đẳng", "BV": "bệnh viện",
    "NV": "nhà văn", "Cty": "công ty", "CTy": "công ty", "CT": "chủ tịch", "Ô": "ông",
}  # fmt: skip
_NUMBERED = {"Q": "quận", "P": "phường", "Q.": "quận", "P.": "phường", "F.": "phường"}
_SMALL = {
    "tr": "trang", "Tr": "trang", "vd": "ví dụ", "VD": "ví dụ", "Vd": "ví dụ", "tel": "điện thoại", "Tel": "điện thoại",
    "ĐT": "điện thoại", "đt": "điện thoại", "LH": "liên hệ", "Lh": "liên hệ",
}  # fmt: skip

# Where the sentence tells which one is meant: cues and what they make of it.
_AMBIGUOUS = (
    ("BTC", r"giải|cuộc thi|hội thi|chung kết|vòng loại|trận|SEA Games|lễ hội|ban tổ chức|festival|chương trình|sự kiện", "ban tổ chức"),
    ("BTC", r"bộ trưởng|thông tư|bộ tài chính|ngân sách|thuế", "bộ tài chính"),
    ("ĐH", r"trường|thi|tuyển sinh|CĐ|cao đẳng|sinh viên|học|Bách khoa", "đại học"),
    ("CĐ", r"ĐH|đại học|trường|tuyển sinh|sinh viên", "cao đẳng"),
    ("BV", r"bác sĩ|bệnh nhân|cấp cứu|điều trị|nhập viện|viện", "bệnh viện"),
    ("QH", r"đại biểu|ĐB|kỳ họp|chủ tịch|khóa", "quốc hội"),
    ("ĐB", r"QH|quốc hội|HĐND|kỳ họp", "đại biểu"),
    ("DN", r"vốn|kinh doanh|sản xuất|xuất khẩu|thuế|nhà nước|các|nhiều|hỗ trợ|FDI", "doanh nghiệp"),
    ("GV", r"trường|HS|học sinh|phụ huynh|tuyển|lớp", "giáo viên"),
    ("HS", r"trường|GV|giáo viên|phụ huynh|lớp|THPT|THCS", "học sinh"),
    ("SV", r"trường|ĐH|đại học|học", "sinh viên"),
    ("CN", r"T7|thứ bảy|thứ 7|T2|thứ hai|nghỉ|sáng|chiều|tối", "chủ nhật"),
    ("TH", r"trường|THCS|lớp", "tiểu học"),
    ("PV", r"trả lời|phỏng vấn|trao đổi|báo|nói với", "phóng viên"),
    ("TQ", r"biển|hàng|Mỹ|nhập khẩu|nước", "Trung Quốc"),
)  # fmt: skip
_SENTENCE = re.compile(r"[.!?…]\s|\n")


def _names(names: Iterable[str]) -> str:
    return "|".join(map(re.escape, sorted(names, key=len, reverse=True)))


_NAME = r"(?=\s?(?P<name>[A-ZĐÀ-ỸÂÊÔƠƯĂ][^\W\d_]*))"


def _plain(match: re.Match[str]) -> str:
    return _with_stop(match, PLAIN[match["short"]])


def _with_stop(match: re.Match[str], words: str) -> str:
    """The full stop of an abbreviation goes, unless it ends the sentence, too."""
    stop, rest = match["stop"], match.string[match.end() :][:3].lstrip(' "”’»)')
    return words + ("." if stop and (not rest or rest[0] == "\n") else "")


def _title(match: re.Match[str]) -> str | None:
    """Of a single letter only before a Vietnamese name: P. Bến Nghé is a ward, P. Picasso a painter."""
    if len(match["short"]) == 1 and not readable(match["name"]):
        return None
    if match["short"] == "X" and match.string[match.end("name") :][:2].lstrip()[:1].islower():
        return None  # "… trong X. Tập tin" ends a sentence
    return _TITLES[match["short"]] + " "


def _numbered(match: re.Match[str]) -> str | None:
    """Q1, Q. 1, P.12, F.12; "F1" is a key or a race, and "F. 1" an item of a list."""
    if match.group() == "F. ":
        return None
    return _NUMBERED[match["short"]] + " "


def _small(match: re.Match[str]) -> str:
    return _SMALL[match["short"]]


def _and_so_on(match: re.Match[str]) -> str:
    """ "v.v." also ends sentences: its full stop stays where one ends."""
    rest = match.string[match.end() :][:3].lstrip(' "”’»)')
    ends = match.group().endswith(".") and (not rest or rest[0] == "\n" or rest[0].isupper())
    dots = "..." if match.group().endswith(("...", "…")) else "." if ends else ""
    return f"vân vân{dots}"


def _weekdays(match: re.Match[str]) -> str:
    """T2-T6; "T2" alone may be anything."""
    words = re.sub(r"\s?[-–]\s?", " đến ", match.group()).replace("&", "và").replace("CN", "chủ nhật")
    return re.sub(r"T(\d)", lambda day: f"thứ {ordinal(int(day[1]))}", words)


def _ambiguous(match: re.Match[str]) -> str | None:
    before = _SENTENCE.split(match.string[max(0, match.start() - 120) : match.start()])[-1]
    after = _SENTENCE.split(match.string[match.end() : match.end() + 120], maxsplit=1)[0]
    for cues, words in _CUES[match.group()]:
        if cues.search(f"{before} \0 {after}"):
            return words
    return None


_CUES: dict[str, list[tuple[re.Pattern[str], str]]] = {}
for _short, _cues, _words in _AMBIGUOUS:
    _CUES.setdefault(_short, []).append((re.compile(rf"(?<!\w)(?:{_cues})(?!\w)", re.IGNORECASE), _words))


def _rule(pattern: str, speak: Speak, needs: str) -> Rule:
    return Rule(name="abbreviation", pattern=re.compile(pattern), speak=speak, needs=re.compile(needs))


def _beginnings(names: Iterable[str]) -> str:
    """What any of the names begins with, by its first two characters: quick to look for."""
    seconds: dict[str, set[str]] = {}
    for name in names:
        seconds.setdefault(name[0], set()).add(name[1])
    return "|".join(f"{re.escape(first)}[{re.escape(''.join(sorted(second)))}]" for first, second in sorted(seconds.items()))


_BEGIN = r"(?<![\w&'’])(?<!\w[.])"

RULES = (
    _rule(rf"{_BEGIN}SN\.?(?=\s?(?:19|20)\d\d(?!\d))", lambda _: "sinh năm", "SN"),
    _rule(rf"{_BEGIN}TK\.?(?=\s?(?:[IVX]+|\d{{1,2}})(?!\w))", lambda _: "thế kỷ", "TK"),
    _rule(r"(?<!\w)T[2-7]\s?(?:[-–,&]|và|đến)\s?(?:T[2-7]|CN)(?!\w)", _weekdays, "T[2-7]"),
    _rule(rf"{_BEGIN}v\.\s?v\.{{0,3}}(?:…)?(?!\w)", _and_so_on, r"v\.\s?v"),
    _rule(rf"{_BEGIN}(?:đ/c|Đ/c|Đ/C)\.?\s?{_NAME}(?![A-ZĐ]\w*:)", lambda _: "đồng chí ", "[đĐ]/[cC]"),
    _rule(rf"{_BEGIN}(?P<short>{_names(_NUMBERED)})\s?(?=\d{{1,2}}(?!\w))", _numbered, r"[QPF]\.?\s?\d"),
    _rule(
        rf"{_BEGIN}(?P<short>{_names(name for name in _TITLES if len(name) == 1)})\.\s?{_NAME}",
        _title,
        rf"[{''.join(name for name in _TITLES if len(name) == 1)}]\.",
    ),
    _rule(
        rf"{_BEGIN}(?P<short>{_names(name for name in PLAIN if '.' in name or ' ' in name)})(?P<stop>\.?)(?![\w])",
        _plain,
        _beginnings(name for name in PLAIN if "." in name or " " in name),
    ),
    _rule(
        rf"{_BEGIN}(?P<short>{_names(name for name in _TITLES if len(name) > 1)})(?:\.\s?|\s){_NAME}(?![A-ZĐ]{{2}})",
        _title,
        _beginnings(name for name in _TITLES if len(name) > 1),
    ),
    _rule(rf"{_BEGIN}(?P<short>{_names(PLAIN)})(?P<stop>(?:\.(?=\s?[^\W_]|$))?)(?![\w])", _plain, _beginnings(PLAIN)),
    _rule(rf"{_BEGIN}(?P<short>{_names(_SMALL)})\.?(?=\s?:?\s?[\d(+]|\s?:)", _small, r"[\d(+:]"),
    _rule(rf"{_BEGIN}(?:{_names(_CUES)})(?![\w])", _ambiguous, _beginnings(_CUES)),
)
