"""Which voice speaks when none was named."""

from __future__ import annotations

from typing import Any

import pytest

from loa.cli.voice_choice import DEFAULT_VOICE, choose_voice, looks_vietnamese
from loa.submission import DEFAULT_VOICE as SERVER_DEFAULT


def voice(name: str, language: str = "vi-VN", **changes: Any) -> dict[str, Any]:
    files = [{"url": f"https://example.org/{name}"}]
    return {"name": name, "language": language, "installed": True, "engine_available": True, "common": False, "files": files} | changes


def test_the_default_is_the_servers() -> None:
    assert DEFAULT_VOICE == SERVER_DEFAULT


@pytest.mark.parametrize(
    "text",
    ["Xin chào.", "Tôi là Nam.", "Đi!", "Hôm nay trời đẹp quá, chúng ta đi Hà Nội nhé?", "Ngày 30/4/1975 tại TP.HCM", "Hôm nay trời đẹp."],
)
def test_vietnamese(text: str) -> None:
    assert looks_vietnamese(text)


@pytest.mark.parametrize(
    "text",
    [
        "Good morning.",
        "The café is open until nine.",
        "We met in Hà Nội and took the night train to Lào Cai, where nobody was up.",
        "",
        "3.14",
        "!?",
    ],
)
def test_not_vietnamese(text: str) -> None:
    assert not looks_vietnamese(text)


def test_english_needs_no_list_of_voices() -> None:
    choice = choose_voice("Good morning.", ())
    assert (choice.voice, choice.reason, choice.hint) == (DEFAULT_VOICE, "the default", "")


def test_a_common_voice_goes_before_others() -> None:
    voices = [voice("a"), voice("b", common=True), voice("joe", "en-US", common=True), voice("c", common=True, installed=False)]
    assert choose_voice("Xin chào.", voices).voice == "b"


def test_a_voice_that_forbids_commercial_use_comes_after_one_that_does_not() -> None:
    voices = [voice("a", commercial_use=False), voice("b", commercial_use=None)]
    assert choose_voice("Xin chào.", voices).voice == "b"
    hint = choose_voice("Xin chào.", [one | {"installed": False} for one in voices]).hint
    assert hint.endswith("loa voices pull b")
    assert choose_voice("Xin chào.", [voice("a", commercial_use=False, common=True), voices[1]]).voice == "a"


def test_nobody_speaks_with_a_persons_own_voice_unasked() -> None:
    assert choose_voice("Xin chào.", [voice("anna", added=True), voice("b", added=False)]).voice == "b"
    assert choose_voice("Xin chào.", [voice("anna", added=True)]).voice == DEFAULT_VOICE


def test_without_a_vietnamese_voice_the_default_speaks_and_it_is_said() -> None:
    voices = [
        voice("quynh", engine_available=False),
        voice("prompt-only", installed=False, files=[{"url": None}]),
        voice("vais", installed=False),
    ]
    choice = choose_voice("Xin chào.", voices)
    assert choice.voice == DEFAULT_VOICE
    assert choice.hint.endswith("loa voices pull vais")
    assert choose_voice("Xin chào.", []).hint == "the text looks Vietnamese, but no Vietnamese voice is installed"
