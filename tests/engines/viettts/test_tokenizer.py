"""VietTTS's tokenizer: the reference's ids for every text, no special token out of any, and nothing but the file that comes with Loa."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from loa.errors import EmptyText
from worker.engines.viettts.architecture import FULL
from worker.engines.viettts.tokenizer import RANKS, VOCABULARY, Tokenizer

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "golden" / "tokenizer.json").read_text(encoding="utf-8"))
ORDINARY, LOOKS_SPECIAL = GOLDEN["ordinary"], GOLDEN["looks_special"]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer()


@pytest.mark.parametrize("row", ORDINARY, ids=lambda row: ascii(row["text"][:24]))
def test_a_text_has_the_ids_of_the_reference(tokenizer: Tokenizer, row: dict[str, Any]) -> None:
    assert tokenizer.encode(row["text"]) == row["ids"]
    assert tokenizer.decode(row["ids"]) == row["text"]


@pytest.mark.parametrize("row", LOOKS_SPECIAL, ids=lambda row: row["text"])
def test_text_that_looks_like_a_special_token_is_text(tokenizer: Tokenizer, row: dict[str, Any]) -> None:
    assert max(row["special"]) >= VOCABULARY  # what the reference says to its model
    ids = tokenizer.encode(row["text"])
    assert ids == row["ids"]
    assert max(ids) < VOCABULARY
    assert tokenizer.decode(ids) == row["text"]


@pytest.mark.parametrize("text", ["", " ", "\n\t \u00a0"])
def test_there_must_be_a_text(tokenizer: Tokenizer, text: str) -> None:
    with pytest.raises(EmptyText):
        tokenizer.encode(text)


def test_any_bytes_are_text(tokenizer: Tokenizer) -> None:
    """Every character has ids: controls, unassigned ones, half a surrogate pair."""
    for text in ("\x00", "\x7f\x80", "\ufffe\uffff", "\U0010ffff", "a\ud83d b"):
        assert all(0 <= number < VOCABULARY for number in tokenizer.encode(text))


def test_the_text_embedding_has_a_row_for_every_id() -> None:
    assert VOCABULARY < GOLDEN["entries"] <= FULL.language_model.text_vocabulary


def test_the_vocabulary_is_the_file_that_its_licence_names() -> None:
    digest = hashlib.sha256(RANKS.read_bytes()).hexdigest()
    assert digest in RANKS.with_name(f"{RANKS.name}.licence").read_text(encoding="utf-8")


def test_threads_share_one(tokenizer: Tokenizer) -> None:
    rows = ORDINARY * 20
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(tokenizer.encode, [row["text"] for row in rows])) == [row["ids"] for row in rows]


def test_several_are_made_at_once() -> None:
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda _: Tokenizer(), range(4)))
    assert {tuple(each.encode("xin chào Việt Nam")) for each in made} == {(87, 259, 417, 20273, 31886, 10480)}


def test_nothing_is_asked_of_the_network() -> None:
    code = """
import sys
ASKING = {"socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"}
asked = []
sys.addaudithook(lambda event, details: asked.append(details) if event in ASKING else None)
from worker.engines.viettts.tokenizer import Tokenizer
print(Tokenizer().encode("xin chào"), asked)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[87, 259, 417, 20273] []"
