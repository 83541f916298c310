"""Options of the commands about documents: what somebody may wish for a book."""

from __future__ import annotations

from pathlib import Path

import click

file_type = click.Path(path_type=Path, exists=True, dir_okay=False)


def parse_voices(_context: click.Context, _option: click.Parameter, value: str | None) -> dict[str, str] | None:
    """`vi=NAME,en=NAME` as a dict. Raises click.BadParameter."""
    if value is None:
        return None
    pairs = [entry.partition("=") for entry in value.split(",")]
    if not all(language.strip() and name.strip() for language, _, name in pairs):
        raise click.BadParameter(f"{value!r} is not like vi=NAME,en=NAME")
    return {language.strip(): name.strip() for language, _, name in pairs}


def parse_chapters(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """`3-7, 9` without its blanks. Raises click.BadParameter for what names no chapters."""
    from loa.errors import InvalidChapters
    from loa.plan.selection import check_selection

    if value is None:
        return None
    value = "".join(value.split())
    try:
        check_selection(value)
    except InvalidChapters as error:
        raise click.BadParameter(error.message) from None
    return value


def parse_pauses(_context: click.Context, _option: click.Parameter, value: str | None) -> dict[str, int] | None:
    """`chapter=2500,paragraph=700` as a dict of milliseconds. Raises click.BadParameter."""
    from loa.errors import InvalidPauses
    from loa.plan.pauses import check_pauses

    if value is None:
        return None
    pairs = [entry.partition("=") for entry in value.split(",")]
    try:
        pauses = {name.strip(): int(ms) for name, _, ms in pairs}
        check_pauses(pauses)
    except ValueError:
        raise click.BadParameter(f"{value!r} is not like chapter=2500,paragraph=700") from None
    except InvalidPauses as error:
        raise click.BadParameter(error.message) from None
    return pauses


voices_option = click.option(
    "--voices",
    callback=parse_voices,
    metavar="vi=NAME,en=NAME",
    help="Who speaks what is in each language. The first speaks the rest, too, unless there is a --voice.",
)
chapters_option = click.option(
    "--chapters",
    callback=parse_chapters,
    metavar="NUMBERS",
    help="By their numbers in `loa narrate --list FILE`, such as 3-7,9; or all. Default: the body, without contents, notes and the like.",
)
lexicon_option = click.option(
    "--lexicon", type=file_type, help='A TOML file of words with what is said for them: below [vi] a line such as "BTC" = "ban tổ chức".'
)
pauses_option = click.option(
    "--pauses",
    callback=parse_pauses,
    metavar="NAME=MS,...",
    help="Silence in milliseconds after each sentence, paragraph, heading or chapter, such as chapter=2500,paragraph=700.",
)


def entries(lexicon: Path | None) -> dict[str, dict[str, str]] | None:
    """A lexicon as requests have it. Raises InvalidLexicon."""
    from loa.saying.lexicon import Lexicon

    if lexicon is None:
        return None
    return {language: dict(words) for language, words in Lexicon.load(lexicon).entries.items()}
