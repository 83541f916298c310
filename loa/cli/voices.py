"""Commands about voices: list, show, pull, add, remove."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from loa.cli.output import json_option, note, print_facts, print_json, print_table, size, yes_no
from loa.cli.pulling import FILE_COLUMNS, fetch, file_rows, licence_facts, pull_options

local_option = click.option("--local", is_flag=True, help="The voices of this machine, read from their manifests, without asking a server.")


@click.group()
def voices() -> None:
    """Voices: which there are, what their licences allow, and how to get more."""


@voices.command("list")
@click.option("--installed", is_flag=True, help="Only those that can be used now.")
@local_option
@json_option
def list_(installed: bool, local: bool, as_json: bool) -> None:
    """List the voices that the server knows."""
    found = [voice for voice in known_voices(local) if voice["installed"] or not installed]
    if as_json:
        print_json(found)
        return
    print_table(("name", "language", "state", "engine", "commercial use", "licence", "title"), [_row(voice) for voice in found])


@voices.command()
@click.argument("name")
@local_option
@json_option
def show(name: str, local: bool, as_json: bool) -> None:
    """Show a voice with its files and its licence."""
    from loa.client import Client

    voice = local_registry_entry(name) if local else Client().voice(name)
    if as_json:
        print_json(voice)
        return
    print_facts(
        {
            "name": voice["name"],
            "title": voice["title"],
            "language": voice["language"],
            "engine": voice["engine"],
            "state": state_of(voice),
            "common": "yes, loaded by every worker of its engine" if voice["common"] else "no",
            "sample rate": f"{voice['sample_rate']} Hz" if voice["sample_rate"] else None,
            "size": size(voice["bytes"]),
            **licence_facts(voice),
            "consent": voice.get("consent"),
            "added": voice.get("created_at"),
            "source": voice["source"],
        }
    )
    if voice["files"]:
        print_table(FILE_COLUMNS, file_rows(voice))


@voices.command()
@pull_options
def pull(name: str, yes: bool, force: bool, as_json: bool) -> None:
    """Fetch a voice's files to this machine (LOA_DATA_DIR).

    Shows first what the licence allows, and asks. A pull that was interrupted goes on where it stopped. Running workers find the voice by
    themselves.
    """
    from loa.engines import ENGINES
    from loa.settings import Settings
    from loa.voices import VoiceRegistry

    settings = Settings.load()
    registry = VoiceRegistry(settings)
    voice = registry.get(name)
    fetch(voice, settings, lambda: registry.files(voice), yes=yes, force=force)
    if voice.engine_available and (obstacle := ENGINES[voice.engine].obstacle(settings)) is not None:
        note(f"its engine {voice.engine} is not installed here: {obstacle.fact}; {obstacle.remedy}")
    if as_json:
        print_json(registry.describe(voice))


@voices.command()
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--language", required=True, help="The language that the speaker speaks: vi-VN.")
@click.option("--licence", required=True, help="What may be done with the voice, in words.")
@click.option("--consent", required=True, help="Who the speaker is and that they agree: 'I am the speaker and agree.'")
@click.option("--title", help="For people. Default: the name.")
@click.option("--commercial-use", type=click.Choice(["yes", "no", "unknown"]), default="unknown", help="Whether the licence allows it.")
@click.option("--engine", help="One that makes voices from recordings. Default: viettts.")
@json_option
def add(name: str, file: Path, commercial_use: str, as_json: bool, **fields: str | None) -> None:
    """Add a voice to the server from a recording of its speaker.

    FILE is a wav, flac, ogg or mp3 with 3 to 30 seconds of one person speaking, without noise or music. It is judged at once; one that
    cannot become a good voice is refused with the reason. Jobs can name the voice as soon as this ends.
    """
    from loa.client import Client

    allowed = {"yes": "true", "no": "false"}.get(commercial_use)
    voice = Client().add_voice(name, file, commercial_use=allowed, **fields)
    if as_json:
        print_json(voice)
    else:
        note(f"{name} is added: loa say TEXT --voice {name} -o out.wav")


@voices.command()
@click.argument("name")
def remove(name: str) -> None:
    """Remove an added voice from the server, with its recording.

    Audio that was made with it stays; jobs that still wait for it fail.
    """
    from loa.client import Client

    Client().remove_voice(name)
    note(f"{name} is removed")


def _row(voice: dict[str, Any]) -> tuple[Any, ...]:
    commercial = yes_no(voice["commercial_use"])
    return voice["name"], voice["language"], state_of(voice), voice["engine"], commercial, voice["licence"], voice["title"]


def known_voices(local: bool) -> list[dict[str, Any]]:
    """Voices as GET /v1/voices shows them, of the server or of this machine."""
    if local:
        from loa.settings import Settings
        from loa.voices import VoiceRegistry

        registry = VoiceRegistry(Settings.load())
        return [registry.describe(voice) for voice in registry.all().values()]
    from loa.client import Client

    return Client().voices()


def local_registry_entry(name: str) -> dict[str, Any]:
    from loa.settings import Settings
    from loa.voices import VoiceRegistry

    registry = VoiceRegistry(Settings.load())
    return registry.describe(registry.get(name))


def state_of(voice: dict[str, Any]) -> str:
    """What keeps a voice from being used, if anything does."""
    if not voice["engine_available"]:
        return "no engine"
    if voice["installed"]:
        return "added" if voice.get("added") else "installed"
    return "to pull" if any(file["url"] for file in voice["files"]) else "not installed"
