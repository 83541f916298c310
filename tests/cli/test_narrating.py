"""Commands about documents: what they print, what they send, and their exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from loa.cli import documents
from loa.cli.documents import read_document, sample
from loa.cli.narrating import server_cast
from loa.client import Client
from loa.errors import PartMissing
from loa.plan.planning import plan_document
from loa.reading import Block, Chapter, Document
from tests.cli.small_server import AUDIO, SmallServer, job_json, voice_json

Loa = Callable[..., Result]
BOOK = "# One\n\nThe first chapter.\n\n# Two\n\nThe second chapter, with a price of $5.\n"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.md"
    path.write_text(BOOK)
    return path


def form(server: SmallServer, at: int = 0) -> str:
    """The text of a multipart body that the server saw."""
    return [body for method, _, _, body in server.seen if method == "POST"][at].decode()


class TestNarrate:
    def test_writes_the_book_and_says_so(self, loa: Loa, server: SmallServer, book: Path, tmp_path: Path) -> None:
        done = loa("narrate", str(book), "-o", str(tmp_path / "book.m4b"))
        assert done.exit_code == 0, done.output
        assert (tmp_path / "book.m4b").read_bytes() == AUDIO
        assert "voice: joe (the default)" in done.stderr
        assert 'name="format"\r\n\r\nm4b\r\n' in form(server)
        assert 'filename="book.md"' in form(server)

    def test_sends_every_wish(self, loa: Loa, server: SmallServer, book: Path, tmp_path: Path) -> None:
        lexicon = tmp_path / "lexicon.toml"
        lexicon.write_text('[vi]\n"BTC" = "ban tổ chức"\n')
        wishes = ["--voices", "vi=quynh, en=joe", "--chapters", "1, 3-4", "--title", "T", "--author", "A", "--lexicon", str(lexicon)]
        wishes += ["--pauses", "chapter=2500, paragraph=700"]
        done = loa("narrate", str(book), "-o", str(tmp_path / "b.mp3"), *wishes, "--allow-partial", "--speed", "1.5")
        assert done.exit_code == 0, done.output
        sent = form(server)
        for name, value in {
            "voices": '{"vi": "quynh", "en": "joe"}',
            "chapters": "1,3-4",
            "title": "T",
            "author": "A",
            "allow_partial": "true",
            "lexicon": json.dumps({"vi": {"BTC": "ban tổ chức"}}),
            "pauses": '{"chapter": 2500, "paragraph": 700}',
            "speed": "1.5",
            "format": "mp3",
        }.items():
            assert f'name="{name}"\r\n\r\n{value}\r\n' in sent
        assert 'name="voice"' not in sent

    def test_goes_on_with_the_job_that_an_earlier_run_began(self, loa: Loa, server: SmallServer, book: Path, tmp_path: Path) -> None:
        server.created = "speaking"
        loa("narrate", str(book), "-o", str(tmp_path / "book.m4b"), "--voice", "joe", "--timeout", "0")
        (job_id,) = server.jobs
        server.jobs[job_id] = [job_json(job_id, "speaking"), job_json(job_id)]
        done = loa("narrate", str(book), "-o", str(tmp_path / "book.m4b"), "--voice", "joe")
        assert done.exit_code == 0, done.output
        assert list(server.jobs) == [job_id]

    def test_begins_anew_when_that_one_has_ended(self, loa: Loa, server: SmallServer, book: Path, tmp_path: Path) -> None:
        for _ in range(2):
            assert loa("narrate", str(book), "-o", str(tmp_path / "book.m4b"), "--voice", "joe").exit_code == 0
        assert len(server.jobs) == 2

    def test_a_run_that_was_killed_is_found_again_after_one_that_has_ended(
        self, loa: Loa, server: SmallServer, book: Path, tmp_path: Path
    ) -> None:
        command = ("narrate", str(book), "-o", str(tmp_path / "book.m4b"), "--voice", "joe")
        assert loa(*command).exit_code == 0
        server.created = "speaking"
        loa(*command, "--timeout", "0")
        first, second = server.jobs
        server.jobs[second] = [job_json(second, "speaking"), job_json(second)]
        assert loa(*command).exit_code == 0
        assert list(server.jobs) == [first, second]

    def test_shows_the_chapter_that_is_spoken(self, loa: Loa, server: SmallServer, book: Path, tmp_path: Path) -> None:
        server.created = "speaking"
        loa("narrate", str(book), "-o", str(tmp_path / "book.m4b"), "--voice", "joe", "--timeout", "0")
        (job_id,) = server.jobs
        progress = {"segments_done": 9, "segments_total": 90, "audio_seconds": 30.0, "eta_seconds": 300.0, "queue_position": 0}
        under_way = job_json(job_id, "speaking", progress=progress | {"chapter": "Loomings", "chapters_done": 0, "chapters_total": 5})
        server.jobs[job_id] = [under_way, under_way, job_json(job_id)]
        done = loa("narrate", str(book), "-o", str(tmp_path / "book.m4b"), "--voice", "joe")
        assert done.exit_code == 0, done.output

    def test_names_what_is_missing(self, loa: Loa, server: SmallServer, book: Path, tmp_path: Path) -> None:
        job_id = f"job_{0:024x}"
        partial = job_json(job_id)
        partial["result"] |= {"partial": True, "missing": [{"index": 3, "text": "Hm.", "reason": "it is silence"}]}
        server.jobs[job_id] = [partial | {"state": "speaking"}, partial]
        server.files[f"/v1/jobs/{job_id}/chapters"] = json.dumps({"omissions": ["3 code blocks"]}).encode()
        done = loa("narrate", str(book), "-o", str(tmp_path / "book.m4b"), "--voice", "joe", "--allow-partial")
        assert "not spoken: Hm. (it is silence)" in done.stderr
        assert "left out: 3 code blocks" in done.stderr

    def test_lists_the_chapters_without_a_server(self, loa: Loa, server: SmallServer, book: Path) -> None:
        done = loa("narrate", str(book), "--list")
        assert done.exit_code == 0, done.output
        assert [line.split()[:2] for line in done.stdout.splitlines()[2:]] == [["1", "One"], ["2", "Two"]]
        listed = json.loads(loa("narrate", str(book), "--list", "--json").stdout)
        assert [chapter["title"] for chapter in listed["chapters"]] == ["One", "Two"]
        assert not server.seen

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ([], "give -o, or --list"),
            (["-o", "x.m4b", "--chapters", "7-3"], "a range goes from a smaller number"),
            (["-o", "x.m4b", "--voices", "quynh"], "is not like vi=NAME,en=NAME"),
            (["-o", "x.m4b", "--pauses", "chapter"], "is not like chapter=2500,paragraph=700"),
            (["-o", "x.m4b", "--pauses", "verse=100"], "there is no pause 'verse'"),
            (["-o", "x.m4b", "--pauses", "chapter=10001"], "it takes 0 to 10,000"),
            (["-o", "x.doc", "--voice", "joe"], "should end in one of"),
        ],
    )
    def test_what_cannot_be_meant_sends_nothing(self, loa: Loa, server: SmallServer, book: Path, arguments: list[str], said: str) -> None:
        done = loa("narrate", str(book), *arguments)
        assert done.exit_code == 2
        assert said in " ".join(done.stderr.split())
        assert not server.seen

    def test_without_the_libraries_that_read_it_a_book_needs_a_voice(
        self, loa: Loa, server: SmallServer, book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def unread(_file: Path) -> Document:
            raise PartMissing("it needs markdown_it, which cannot be loaded: pip install 'loa[documents]'", part="documents")

        monkeypatch.setattr(documents, "read_document", unread)
        refused = loa("narrate", str(book), "-o", str(tmp_path / "book.m4b"))
        assert refused.exit_code == 1
        assert "give a --voice" in refused.stderr
        assert "pip install 'loa[documents]'" in refused.stderr
        assert not server.seen
        assert loa("narrate", str(book), "-o", str(tmp_path / "book.m4b"), "--voice", "joe").exit_code == 0

    def test_a_file_that_is_no_document(self, loa: Loa, tmp_path: Path) -> None:
        picture = tmp_path / "book.epub"
        picture.write_bytes(b"\x89PNG\r\n")
        done = loa("narrate", str(picture), "--list")
        assert done.exit_code == 1
        assert "the file is an image" in done.stderr


class TestPreview:
    SHOWN = {  # noqa: RUF012
        "segments": [
            {
                "text": "It is $5.",
                "spoken": "It is five dollars.",
                "language": "en",
                "voice": None,
                "changes": [{"start": 6, "from": "$5", "to": "five dollars", "rule": "currency"}],
            },
            {"text": "Xin chào.", "spoken": "Xin chào.", "language": "vi", "voice": "quynh", "changes": []},
        ],
        "unsayable": ["☃"],
    }

    def test_shows_every_change(self, loa: Loa, server: SmallServer) -> None:
        server.files["/v1/preview"] = json.dumps(self.SHOWN).encode()
        done = loa("preview", "It is $5. Xin chào.", "--language", "en")
        assert done.exit_code == 0, done.output
        assert done.stdout.splitlines() == [
            "[en] It is $5.",
            "  → It is five dollars.",
            "    $5 → five dollars (currency)",
            "[vi quynh] Xin chào.",
        ]
        assert "cannot be said, and is left out: ☃" in done.stderr
        assert json.loads(server.seen[0][3]) == {"input": "It is $5. Xin chào.", "language": "en"}

    def test_a_document_is_planned_as_the_server_would_plan_it(self, loa: Loa, server: SmallServer, tmp_path: Path) -> None:
        page = tmp_path / "page.html"
        page.write_text(
            "<html lang=en><body><h1>One</h1><p lang=vi>Ban Tổ chức (BTC) đã họp.</p>"
            "<h1>Two</h1><p>They paid $5. 漢</p><p lang=vi>BTC chào bạn.</p>"
            f"<p>{'A word, and one more. ' * 1_500}</p></body></html>"
        )
        server.voices = [voice_json("joe", "en-US"), voice_json("quynh", "vi-VN")]
        done = loa("preview", str(page), "--chapters", "2", "--voices", "en=joe,vi=quynh", "--json")
        assert done.exit_code == 0, done.output
        shown = json.loads(done.stdout)
        cast = server_cast(Client(server.url), None, {"en": "joe", "vi": "quynh"})
        plan = plan_document(read_document(page), cast=cast, chapters="2")
        assert [(one["text"], one["spoken"], one["voice"]) for one in shown["segments"]] == [
            (one.text, one.spoken, one.voice or "joe") for one in plan.segments
        ]
        title, priced, greeting, *long = shown["segments"]
        assert (title["text"], title["changes"]) == ("Two", [])
        assert (priced["spoken"], priced["voice"]) == ("They paid five dollars.", "joe")
        assert {"start": 10, "from": "$5", "to": "five dollars", "rule": "money"} in priced["changes"]
        assert shown["unsayable"] == ["漢"]
        assert (greeting["spoken"], greeting["voice"]) == ("Ban Tổ chức chào bạn.", "quynh")  # as chapter 1 defines it
        assert len(long) > 100
        assert "/v1/preview" not in server.paths("POST")

    def test_a_document_has_the_voice_that_narrate_would_choose(self, loa: Loa, server: SmallServer, book: Path) -> None:
        server.voices = [voice_json("joe", "en-US")]
        done = loa("preview", str(book), "--chapters", "2")
        assert "voice: joe (the default)" in done.stderr
        assert done.stdout.splitlines()[:2] == ["[en joe] Two", "[en joe] The second chapter, with a price of $5."]

    def test_a_document_without_voices_needs_no_server(self, loa: Loa, server: SmallServer, book: Path) -> None:
        done = loa("preview", str(book), "--language", "en")
        assert done.stdout.splitlines()[0] == "[en] One"
        assert not server.seen

    def test_a_language_beside_a_voice(self, loa: Loa, book: Path) -> None:
        assert loa("preview", str(book), "--language", "en", "--voice", "joe").exit_code == 2

    def test_chapters_of_a_text(self, loa: Loa) -> None:
        assert loa("preview", "Just words.", "--chapters", "2").exit_code == 2

    def test_a_text_that_is_too_long_for_a_name(self, loa: Loa, server: SmallServer) -> None:
        server.files["/v1/preview"] = json.dumps(self.SHOWN).encode()
        assert loa("preview", "word " * 2_000).exit_code == 0


def test_the_language_of_a_document_is_that_of_its_body() -> None:
    front = Chapter(title="", matter="front", blocks=(Block(kind="paragraph", text="Bản quyền"),))
    body = Chapter(title="", blocks=tuple(Block(kind="paragraph", text="word " * 1000) for _ in range(9)))
    text = sample(Document(chapters=(front, body)))
    assert "Bản" not in text
    assert 20_000 <= len(text) < 26_000
