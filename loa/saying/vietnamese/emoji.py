"""Names of the emoji that people write most; others have no name that everybody knows, so they are left out and reported."""

from __future__ import annotations

import re

from loa.saying.emoji import EMOJI, plain
from loa.saying.said import Rule

_NAMES = {
    "😀": "mặt cười", "😃": "mặt cười", "😄": "mặt cười", "😁": "cười nhe răng", "😆": "cười híp mắt", "😅": "cười toát mồ hôi",
    "😂": "cười ra nước mắt", "🤣": "cười lăn lộn", "🙂": "mỉm cười", "🙃": "mặt lộn ngược", "😉": "nháy mắt", "😊": "mỉm cười",
    "😇": "thiên thần", "🥰": "mặt cười với trái tim", "😍": "mắt trái tim", "🤩": "mắt ngôi sao", "😘": "hôn gió", "😗": "hôn",
    "😋": "ngon quá", "😛": "lè lưỡi", "😜": "nháy mắt lè lưỡi", "🤪": "mặt ngộ", "🤗": "ôm", "🤔": "suy nghĩ", "🤨": "nhướng mày",
    "😐": "mặt không cảm xúc", "😏": "cười nửa miệng", "😒": "chán", "🙄": "đảo mắt", "😬": "nhăn mặt", "😌": "nhẹ nhõm", "😔": "buồn",
    "😴": "ngủ", "😷": "đeo khẩu trang", "🤒": "bị sốt", "🤧": "hắt hơi", "🥵": "nóng quá", "🥶": "lạnh quá", "😎": "đeo kính râm",
    "🥳": "ăn mừng", "😕": "bối rối", "😟": "lo lắng", "🙁": "buồn", "☹": "buồn", "😮": "ngạc nhiên", "😲": "kinh ngạc", "😳": "đỏ mặt",
    "🥺": "năn nỉ", "😨": "sợ hãi", "😰": "lo lắng", "😢": "khóc", "😭": "khóc to", "😱": "la hét sợ hãi", "😞": "thất vọng",
    "😩": "mệt mỏi", "😫": "kiệt sức", "🥱": "ngáp", "😤": "bực bội", "😡": "giận dữ", "😠": "tức giận", "🤬": "chửi thề",
    "😈": "quỷ nhỏ", "💀": "đầu lâu", "💩": "cục phân", "👻": "con ma", "🤖": "rô bốt", "❤": "trái tim đỏ", "🧡": "trái tim cam",
    "💛": "trái tim vàng", "💚": "trái tim xanh lá", "💙": "trái tim xanh dương", "💜": "trái tim tím", "🖤": "trái tim đen",
    "🤍": "trái tim trắng", "💔": "trái tim tan vỡ", "💕": "hai trái tim", "💖": "trái tim lấp lánh", "💗": "trái tim",
    "💘": "trái tim trúng tên", "💯": "một trăm điểm", "💥": "bùng nổ", "💤": "ngủ", "👋": "vẫy tay", "👌": "tốt", "✌": "chiến thắng",
    "🤞": "bắt chéo ngón tay", "👈": "chỉ sang trái", "👉": "chỉ sang phải", "👆": "chỉ lên", "👇": "chỉ xuống", "👍": "thích",
    "👎": "không thích", "✊": "nắm tay", "👊": "nắm đấm", "👏": "vỗ tay", "🙌": "giơ hai tay", "🤝": "bắt tay", "🙏": "chắp tay",
    "💪": "cố lên", "👀": "đôi mắt", "👶": "em bé", "👨": "người đàn ông", "👩": "người phụ nữ", "👪": "gia đình", "🐶": "con chó",
    "🐱": "con mèo", "🐭": "con chuột", "🐔": "con gà", "🐷": "con lợn", "🐮": "con bò", "🐯": "con hổ", "🐉": "con rồng",
    "🐍": "con rắn", "🐴": "con ngựa", "🐟": "con cá", "🦋": "con bướm", "🌸": "hoa anh đào", "🌹": "hoa hồng", "🌻": "hoa hướng dương",
    "🌷": "hoa tu líp", "🌺": "bông hoa", "🍀": "cỏ bốn lá", "🌱": "mầm cây", "🌳": "cái cây", "🌲": "cây thông", "🌈": "cầu vồng",
    "☀": "mặt trời", "🌞": "mặt trời", "🌙": "mặt trăng", "⭐": "ngôi sao", "🌟": "ngôi sao", "✨": "lấp lánh", "⚡": "tia sét",
    "🔥": "lửa", "❄": "bông tuyết", "☔": "trời mưa", "🌧": "trời mưa", "🌊": "sóng biển", "🎉": "ăn mừng", "🎊": "ăn mừng",
    "🎁": "món quà", "🎂": "bánh sinh nhật", "🎈": "bóng bay", "🎄": "cây thông Nô en", "🧧": "bao lì xì", "🏆": "cúp vàng",
    "🥇": "huy chương vàng", "🥈": "huy chương bạc", "🥉": "huy chương đồng", "⚽": "bóng đá", "🏀": "bóng rổ", "🎵": "nốt nhạc",
    "🎶": "nốt nhạc", "☕": "cà phê", "🍵": "trà", "🍺": "bia", "🍻": "cụng ly", "🍜": "bát phở", "🍚": "bát cơm", "🍎": "quả táo",
    "🍌": "quả chuối", "🍕": "bánh pi da", "🚗": "ô tô", "🏍": "xe máy", "✈": "máy bay", "🚀": "tên lửa", "🏠": "ngôi nhà",
    "🏡": "ngôi nhà", "🏫": "trường học", "🏥": "bệnh viện", "📱": "điện thoại", "💻": "máy tính", "📞": "điện thoại", "☎": "điện thoại",
    "📧": "thư điện tử", "✉": "thư", "📩": "thư", "📌": "ghim", "📍": "địa điểm", "📅": "lịch", "📆": "lịch", "⏰": "đồng hồ báo thức",
    "💰": "túi tiền", "💵": "tiền", "💳": "thẻ tín dụng", "🛒": "giỏ hàng", "📚": "sách", "📖": "quyển sách", "✏": "bút chì",
    "📝": "ghi chú", "🔔": "chuông", "🔊": "loa", "📢": "loa", "📣": "loa", "💡": "bóng đèn", "🔑": "chìa khóa", "🔒": "ổ khóa",
    "✅": "dấu tích", "✔": "dấu tích", "☑": "dấu tích", "❌": "dấu chéo", "❗": "chấm than", "❓": "chấm hỏi", "⚠": "cảnh báo",
    "🚫": "cấm", "⛔": "cấm", "♻": "tái chế", "🆕": "mới", "🔴": "chấm đỏ", "🟢": "chấm xanh", "➡": "mũi tên sang phải",
    "⬅": "mũi tên sang trái", "⬆": "mũi tên lên", "⬇": "mũi tên xuống", "©": "bản quyền", "®": "đã đăng ký", "™": "thương hiệu",
    "🇻🇳": "cờ Việt Nam", "🇺🇸": "cờ Mỹ", "🇬🇧": "cờ Anh", "🇨🇳": "cờ Trung Quốc", "🇯🇵": "cờ Nhật Bản", "🇰🇷": "cờ Hàn Quốc", "🇫🇷": "cờ Pháp",
    "🇹🇭": "cờ Thái Lan", "🇱🇦": "cờ Lào", "🇰🇭": "cờ Cam pu chia",
}  # fmt: skip


def _named(match: re.Match[str]) -> str | None:
    emoji = plain(match.group())
    if emoji[0] in "0123456789#*":
        return None  # a key: its figure is said like any other
    return _NAMES.get(emoji)


RULES = (
    Rule(name="emoji", pattern=EMOJI, speak=_named),
    Rule(name="emoji", pattern=re.compile("(?<=[0-9#*])\ufe0f?\u20e3|\ufe0f"), speak=lambda _: ""),
)
