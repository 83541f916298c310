"""Commands about documents: narrate, preview."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loa.cli.documents import read_document, sample, voice_of_file
from loa.cli.jobs import (
    check_folder,
    chosen_voice,
    deliver,
    follow,
    format_of,
    format_option,
    read_text,
    speed_option,
    target_type,
    timeout_option,
    voice_option,
)
from loa.cli.output import json_option, note, print_json, print_table
from loa.cli.wishes import chapters_option, entries, file_type, lexicon_option, pauses_option, voices_option
from loa.errors import LoaError
from loa.logs import visible

if TYPE_CHECKING:
    from loa.client import Client
    from loa.plan.cast import Cast
    from loa.reading import Document


@click.command()
@click.argument("file", type=file_type)
@click.option("-o", "--output", "target", type=target_type, help="The audio file to write. An .m4b has chapters and a cover.")
@click.option("--list", "listing", is_flag=True, help="Show the chapters with their numbers, and speak nothing. Needs no server.")
@voice_option
@voices_option
@chapters_option
@format_option
@speed_option
@click.option("--title", help="Of the audio, instead of the document's own.")
@click.option("--author", help="Of the audio, instead of the document's own.")
@lexicon_option
@pauses_option
@click.option("--allow-partial", is_flag=True, help="Leave out a sentence that cannot be spoken, and name it. Default: the job fails.")
@timeout_option
@json_option
def narrate(
    file: Path,
    target: Path | None,
    listing: bool,
    voice: str | None,
    voices: dict[str, str] | None,
    chapters: str | None,
    format_: str | None,
    speed: float | None,
    title: str | None,
    author: str | None,
    lexicon: Path | None,
    pauses: dict[str, int] | None,
    allow_partial: bool,
    timeout: float | None,
    as_json: bool,
) -> None:
    """Speak a document (.txt, .md, .html, .epub, .docx, .pdf) into an audio file.

    Ctrl-C cancels the job. What is spoken is kept: the same command goes on where it was, and after an edit speaks only what is new.
    """
    from loa.client import Client

    if listing:
        show_chapters(read_document(file), as_json)
        return
    if target is None:
        raise click.UsageError("give -o, or --list")
    format_ = format_ or format_of(target)
    check_folder(target)
    client = Client()
    if voice is None and not voices:
        voice = voice_of_file(client, file)
    fields = {
        "voice": voice,
        "voices": voices,
        "chapters": chapters,
        "format": format_,
        "speed": speed,
        "title": title,
        "author": author,
        "lexicon": entries(lexicon),
        "pauses": pauses,
        "allow_partial": allow_partial or None,
    }
    job = begun(client, file, fields)
    try:
        job = follow(client, job["id"], timeout)
    except KeyboardInterrupt:
        with contextlib.suppress(LoaError):  # whatever the server says: the person wants to leave
            client.cancel(job["id"])
        raise
    deliver(client, job, target, as_json)
    tell_what_is_missing(client, job)


@click.command()
@click.argument("text", metavar="TEXT|FILE")
@click.option(
    "--language",
    metavar="TAG",
    help="Instead of voices: each stretch in its own language, and in this one what could be of either. Default: en.",
)
@click.option(
    "--voice", metavar="NAME", help="A name from `loa voices list`. Default: for FILE by the language of its text; for TEXT none."
)
@voices_option
@chapters_option
@lexicon_option
@json_option
def preview(
    text: str,
    language: str | None,
    voice: str | None,
    voices: dict[str, str] | None,
    chapters: str | None,
    lexicon: Path | None,
    as_json: bool,
) -> None:
    """Show what will be spoken of TEXT ("-": standard input) or a document, and speak nothing.

    Each passage comes with its language, its voice and every change. FILE is shown as `loa narrate` with the same options would speak it.
    """
    from loa.client import Client

    client = Client()
    fields: dict[str, Any] = {"language": language, "voice": voice, "voices": voices, "lexicon": entries(lexicon)}
    if is_file(text):
        shown = preview_of_file(client, Path(text), chapters=chapters, **fields)
    elif chapters is not None:
        raise click.UsageError("--chapters goes with a document")
    else:
        shown = client.preview(read_text(text), **fields)
    if as_json:
        print_json(shown)
        return
    for segment in shown["segments"]:
        show_segment(segment)
    if shown["unsayable"]:
        note(f"cannot be said, and is left out: {' '.join(map(visible, shown['unsayable']))}")


def begun(client: Client, file: Path, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The job of this file and these wishes: the one that an earlier run of the command began, if it is still under way, or a new one.

    Each job that has ended names the key of the next, so that every run comes by the same way to the one that is under way.
    """
    from loa.client import ended
    from loa.idempotency import request_hash

    with file.open("rb") as stream:
        wish = f"narrate-{request_hash(fields, hashlib.file_digest(stream, 'sha256').hexdigest())}"
    job = client.submit_file(file, key=wish, **fields)
    while ended(job):
        job = client.submit_file(file, key=f"{wish}-{job['id']}", **fields)
    return job


def preview_of_file(
    client: Client,
    file: Path,
    *,
    chapters: str | None,
    language: str | None,
    voice: str | None,
    voices: Mapping[str, str] | None,
    lexicon: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """What `narrate` with these wishes would make of a document, planned here as the server would plan it. Raises what `read_document`
    raises, UnknownVoice, InvalidVoices, InvalidChapters, UnsupportedLanguage.
    """
    from loa.preview import preview_document
    from loa.saying.lexicon import Lexicon
    from loa.settings import Settings

    if language is not None and (voice or voices):
        raise click.UsageError("--language goes without voices; a voice speaks its own")
    document = read_document(file)
    if voice is None and not voices and language is None:
        voice = chosen_voice(client, sample(document))
    cast = None if language is not None else server_cast(client, voice, voices or {})
    words = Lexicon.parse(lexicon or {}).over(Lexicon.load(Settings.load().lexicon))
    return preview_document(document, cast=cast, language=language, lexicon=words, chapters=chapters or "")


def server_cast(client: Client, voice: str | None, voices: Mapping[str, str]) -> Cast:
    """The voices of a job by what the server says of them; good for planning, not for speaking. Raises UnknownVoice, InvalidVoices."""
    from loa.casting import check_voices
    from loa.plan.cast import Cast, Part, primary
    from loa.voices import Voice

    def part(name: str) -> Part:
        facts = client.voice(name)
        shown = {fact: facts[fact] for fact in ("name", "title", "engine", "language", "licence", "commercial_use")}
        return Part(voice=Voice(**shown), fingerprint="")

    check_voices(voices)
    others = {primary(language): part(name) for language, name in voices.items()}
    return Cast(main=part(voice) if voice else next(iter(others.values())), others=others)


def is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long for a name, or with a zero byte
        return False


def show_chapters(document: Document, as_json: bool) -> None:
    from loa.plan.listing import chapter_list
    from loa.plan.selection import selected

    listed = chapter_list(document)
    body = set(selected(document.chapters))
    if as_json:
        facts = {"title": document.title, "author": document.author, "language": document.language}
        chapters = [
            {name: chapter[name] for name in ("number", "title", "matter", "role", "characters")} | {"spoken": chapter["number"] in body}
            for chapter in listed
        ]
        print_json(facts | {"chapters": chapters, "omissions": list(document.omissions)})
        return
    note(" · ".join(visible(fact) for fact in (document.title, document.author, document.language) if fact))
    rows = [
        (chapter["number"], chapter["title"], chapter["role"], chapter["characters"], "yes" if chapter["number"] in body else "no")
        for chapter in listed
    ]
    print_table(("number", "title", "what", "characters", "spoken by default"), rows)


def show_segment(segment: Mapping[str, Any]) -> None:
    """What is written, and below it what is said where that differs."""
    voice = f" {segment['voice']}" if segment["voice"] else ""
    click.echo(f"[{segment['language']}{voice}] {visible(segment['text'].replace(chr(10), ' '))}")
    if segment["changes"]:
        click.echo(f"  → {visible(segment['spoken'].replace(chr(10), ' '))}")
        changes = (
            f"{visible(change['from'])} → {visible(change['to'].strip()) or '(nothing)'} ({change['rule']})"
            for change in segment["changes"]
        )
        click.echo(f"    {' · '.join(changes)}")


def tell_what_is_missing(client: Client, job: Mapping[str, Any]) -> None:
    """What a listener of the finished job would look for in vain, beside chapters that nobody asked for."""
    for missing in (job["result"] or {}).get("missing") or ():
        place = f", in {visible(missing['chapter'])!r}" if missing.get("chapter") else ""
        note(f"not spoken{place}: {visible(missing['text'])} ({visible(missing['reason'])})")
    with contextlib.suppress(LoaError):  # the audio is there; what else there is to say may be gone
        for omission in client.chapters(job["id"])["omissions"]:
            note(f"left out: {visible(omission)}")
