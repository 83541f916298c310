"""Words that end in a full stop without ending a sentence, for English and Vietnamese.

All are written without their last full stop and, except for `never_last_as_written`, compared in lower case. Inner full stops stay: "v.v".
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Abbreviations:
    """What the splitter knows of one language."""

    never_last: frozenset[str]  # a name or a number always follows: "Dr. Smith"
    never_last_as_written: frozenset[str]  # the same, but an ordinary word when written small: "No. 5", not "no."
    often_last: frozenset[str]  # ends a sentence when a capital follows: "etc. Then", but "Jan. 5"
    starters: frozenset[str]  # capitalised words that begin a sentence after "U.S." or "J." rather than go on with a name


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ENGLISH = Abbreviations(
    never_last=_words(
        "dr mr mrs ms mx prof messrs mme mlle cmdr sgt cpl pvt lt viz cf vs approx fig figs eq eqs vol vols nos pp e.g i.e eg ie"
    ),
    never_last_as_written=_words("No Nr Op St Mt Ft Gen Col Capt Adm Gov Sen Rep Pres Hon Rev Sec Ch"),
    often_last=_words("etc inc ltd corp co jr sr bros al ca ave blvd rd jan feb mar apr jun jul aug sep sept oct nov dec dept est"),
    starters=_words(
        "A After All Although An And Another As At Because Before But By Each Even Every For From He Her Here His How However I "
        "If In Instead It Its Later Many Maybe Meanwhile Most My Nevertheless No Nobody Not Nothing Now On Once One Only Or Our "
        "Perhaps She Since So Some Soon Still Such Suddenly That The Their Then There These They This Those Though Thus To Today "
        "Under Until We Well Were What When Where Whether Which While Who Why With Without Yes Yet You Your"
    ),
)

VIETNAMESE = Abbreviations(
    never_last=ENGLISH.never_last
    | _words(
        "tp tx tt q p h x gs pgs ts ths th.s bs ks ls ds cn nsnd nsưt nsut đ/c đc tr đt nxb vd cty đh cđ thpt thcs ubnd hđnd hđ tw bcht"
    ),
    never_last_as_written=_words("No"),
    often_last=_words("v.v vv etc inc ltd corp tcn scn jr sr tphcm tp.hcm"),
    starters=_words(
        "Anh Bà Bên Bởi Cả Các Cháu Chị Cho Chú Chúng Có Còn Cô Cùng Cuối Dù Do Đã Đây Để Đến Đó Đôi Em Giờ Hai Hãy Họ Hôm Khi "
        "Không Lúc Mà Mặc Mẹ Mọi Mỗi Một Mới Nay Này Nếu Nên Ngày Ngoài Người Nhưng Những Như Nó Năm Ở Ông Qua Rồi Sao Sau Song "
        "Tại Tất Theo Thế Thì Tôi Trên Trong Trước Từ Tuy Và Vào Vẫn Vậy Về Vì Việc Với"
    ),
)


def abbreviations(language: str) -> Abbreviations:
    """What is known of a language tag such as "vi-VN"; of a language without a list of its own, what is known of English."""
    return VIETNAMESE if language.split("-", maxsplit=1)[0].lower() == "vi" else ENGLISH
