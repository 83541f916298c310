"""Writes tokenizer.json: what the reference's tokenizer makes of texts.

    python tests/engines/viettts/golden/make_tokenizer.py

runs in an environment that has the reference: viet-tts 0.1.0 (without its dependencies) and tiktoken 0.14.0. The package whisper may be
missing: only its class Tokenizer, which hands the text on unchanged, is imported from there.
"""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType
from unittest import mock

TARGET = Path(__file__).with_name("tokenizer.json")
ORDINARY = (
    # Vietnamese
    "xin chào Việt Nam",
    "Xin chào! Tôi là trợ lý ảo, rất vui được gặp bạn.",
    "Hôm nay trời đẹp quá, chúng ta đi dạo một chút nhé?",
    "Ngày 2 tháng 9 năm 1945, Chủ tịch Hồ Chí Minh đọc Tuyên ngôn Độc lập.",
    "Trường Đại học Bách khoa Hà Nội tuyển sinh 8.000 chỉ tiêu.",
    "Giá xăng giảm 1.234 đồng mỗi lít, còn 21.500 đồng.",
    "Nghiêng nghiêng, ngoằn ngoèo, khúc khuỷu, huýt sáo, quýt, xoong.",
    "ă â đ ê ô ơ ư Ă Â Đ Ê Ô Ơ Ư",
    "à á ả ã ạ ằ ắ ẳ ẵ ặ ầ ấ ẩ ẫ ậ è é ẻ ẽ ẹ ề ế ể ễ ệ",
    "ì í ỉ ĩ ị ò ó ỏ õ ọ ồ ố ổ ỗ ộ ờ ớ ở ỡ ợ ù ú ủ ũ ụ ừ ứ ử ữ ự ỳ ý ỷ ỹ ỵ",
    "TIẾNG VIỆT VIẾT HOA",
    "Trăm năm trong cõi người ta,\nChữ tài chữ mệnh khéo là ghét nhau.",
    "Thành phố Hồ Chí Minh; Đà Nẵng; Cần Thơ: ba thành phố trực thuộc trung ương…",
    "“Anh ơi,” cô ấy nói, “mình về thôi!”",
    "Một, hai, ba, bốn, năm, sáu, bảy, tám, chín, mười.",
    "Số điện thoại của tôi là không chín một hai ba bốn năm sáu bảy tám.",
    "Con mèo mà trèo cây cau, hỏi thăm chú chuột đi đâu vắng nhà.",
    "Hòa, hoà, thủy, thuỷ, khỏe, khoẻ.",
    "Tie\u0302\u0301ng Vie\u0323\u0302t de\u0302\u0309 ro\u031b\u0300i",  # decomposed: letters and marks apart
    "Việt",
    "ừ",
    "Được.",
    "Công ty cổ phần sữa Việt Nam (Vinamilk) công bố lợi nhuận quý III/2024.",
    "Kỹ thuật số - kĩ thuật số; lý do - lí do.",
    "Nguyễn Thị Minh Khai, Phạm Ngũ Lão, Võ Thị Sáu, Trần Hưng Đạo",
    "Ba tăng-xê lô-gích pê-đan xe đạp",
    "Ở đây có cà phê sữa đá, phở bò, bún chả, bánh mì, chè đậu xanh.",
    "Đường lên đỉnh Olympia: 4 thí sinh, 3 vòng thi, 1 nhà vô địch!",
    "Nhiệt độ từ -2 đến 37,5 độ C, độ ẩm 85%.",
    "Lúc 7h30' sáng, chuyến tàu SE1 rời ga Sài Gòn.",
    # English, and both
    "Hello, world!",
    "The quick brown fox jumps over the lazy dog.",
    "It's what they've said: we'll see, I'm sure he'd agree, don't you? They're here.",
    "IT'S WHAT THEY'VE SAID",
    "In 2024, GPT-4o cost $0.005 per 1,000 tokens (approx.).",
    "Mr. Smith's e-mail is john.smith@example.com.",
    "Tôi vừa update iPhone lên iOS 18, pin tụt nhanh quá!",
    "Anh ấy làm việc ở Google, team AI, remote 100%.",
    "https://example.org/tin-tuc?id=42&lang=vi#top",
    "antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis",
    # other writing
    "你好，世界。今天天气很好。",
    "こんにちは、世界。カタカナも。",
    "안녕하세요",
    "Привет, мир",
    "مرحبا بالعالم",
    "สวัสดี",
    "😀👍🏽👨‍👩‍👧 🇻🇳",
    "∑ √ π ≈ 3,14159 × 10² ½ ⅔",
    "Ⅳ ② ٣",
    # blanks, signs, what is left of markup
    " một",
    "một  hai   ba    ",
    "  hai đầu  ",
    "tab\tvà\nxuống dòng\r\n\r\nrồi hết",
    "không\u00a0ngắt\u200bđược",
    "...!!!???---",
    "a.b,c;d:e",
    "** đậm ** và # đề mục",
    "<b>đậm</b> < | > | <| |>",
    "1234567890 1 2?",
    "một " * 40,
)
LOOKS_SPECIAL = (
    "<|endoftext|>",
    "<|startoftranscript|><|vi|><|transcribe|>",
    "Xin chào <|endoftext|> và tạm biệt",
    "<|0.00|>nói<|30.00|>",
    "<|TTS/B|><|SPECIAL_TOKEN_1|><|Laughter|><|HAPPY|>",
)


def main() -> None:
    whisper = ModuleType("whisper.tokenizer")
    whisper.Tokenizer = object  # type: ignore[attr-defined]
    with mock.patch.dict(sys.modules, {"whisper": ModuleType("whisper"), "whisper.tokenizer": whisper}):
        from viettts.tokenizer.tokenizer import get_encoding
    encoding = get_encoding("multilingual", num_languages=100)
    document = {
        "reference": f"viet-tts {metadata.version('viet-tts')}, tiktoken {metadata.version('tiktoken')}",
        "entries": encoding.n_vocab,
        "ordinary": [{"text": text, "ids": encoding.encode(text, allowed_special="all")} for text in ORDINARY],
        "looks_special": [
            {"text": text, "ids": encoding.encode_ordinary(text), "special": encoding.encode(text, allowed_special="all")}
            for text in LOOKS_SPECIAL
        ],
    }
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in document.pop("ordinary"))
    looks = ",\n".join(json.dumps(row, ensure_ascii=False) for row in document.pop("looks_special"))
    head = json.dumps(document)[1:-1]
    TARGET.write_text(f'{{{head},\n"ordinary": [\n{rows}\n],\n"looks_special": [\n{looks}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
