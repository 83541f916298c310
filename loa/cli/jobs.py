"""Commands about jobs: say, submit, status, wait, cancel, jobs."""

from __future__ import annotations

import contextlib
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loa.cli.documents import voice_of_file
from loa.cli.output import byte_progress, job_progress, json_option, note, print_facts, print_json, print_table, seconds, size
from loa.errors import JobCanceled, LoaError
from loa.formats import FORMATS
from loa.states import State
from loa.webhooks.endpoints import EVENTS

if TYPE_CHECKING:
    from loa.client import Client


voice_option = click.option("--voice", metavar="NAME", help="A name from `loa voices list`. Default: by the language of the text.")
speed_option = click.option("--speed", type=click.FloatRange(0.5, 2.0), help="2.0 is twice as fast. Default: 1.0.")
format_option = click.option(
    "--format", "format_", type=click.Choice(list(FORMATS)), help="Default: as the extension of the output file says."
)
timeout_option = click.option(
    "--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="Stop waiting after this; the job goes on."
)
target_type = click.Path(path_type=Path, dir_okay=False, writable=True)


@click.command()
@click.argument("text")
@click.option("-o", "--output", "target", required=True, type=target_type, help="The audio file to write.")
@voice_option
@format_option
@speed_option
@timeout_option
@json_option
def say(text: str, target: Path, voice: str | None, format_: str | None, speed: float | None, timeout: float | None, as_json: bool) -> None:
    """Speak TEXT ("-": standard input) into a file.

    Ctrl-C cancels the job.
    """
    from loa.client import Client

    format_ = format_ or format_of(target)
    check_folder(target)
    client = Client()
    text = read_text(text)
    voice = voice or chosen_voice(client, text)
    job = client.submit(text, voice=voice, format=format_, speed=speed)
    try:
        job = follow(client, job["id"], timeout)
    except KeyboardInterrupt:
        with contextlib.suppress(LoaError):  # whatever the server says: the person wants to leave
            client.cancel(job["id"])
        raise
    deliver(client, job, target, as_json)


@click.command()
@click.argument("text", required=False)
@click.option(
    "--file",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A document to speak instead of TEXT: .txt, .md, .html, .epub, .docx or .pdf.",
)
@voice_option
@click.option("--format", "format_", type=click.Choice(list(FORMATS)), help="Of the audio. Default: wav.")
@speed_option
@click.option(
    "--lane",
    type=click.Choice(("interactive", "bulk")),
    help="interactive is spoken before bulk. Default: interactive for TEXT, bulk for a file.",
)
@click.option("--title", help="A name by which people know the job; also the title of the audio.")
@click.option("--key", metavar="TEXT", help="Idempotency key: the same key and content submits once, however often you run it.")
@click.option("--webhook", "webhook_url", metavar="URL", help="Gets a signed POST when the job has ended.")
@click.option(
    "--event",
    "events",
    type=click.Choice(EVENTS),
    multiple=True,
    help="Tell the webhook only of this; may be repeated. Default: every end.",
)
@json_option
def submit(
    text: str | None,
    file: Path | None,
    voice: str | None,
    format_: str | None,
    speed: float | None,
    lane: str | None,
    title: str | None,
    key: str | None,
    webhook_url: str | None,
    events: tuple[str, ...],
    as_json: bool,
) -> None:
    """Submit TEXT ("-": standard input) or a document (--file), and print the job's id.

    `loa wait ID -o FILE` waits for its audio and fetches it.
    """
    from loa.client import Client

    if (text is None) == (file is None):
        raise click.UsageError("give either TEXT or --file")
    if events and webhook_url is None:
        raise click.UsageError("--event goes with --webhook")
    client = Client()
    fields: dict[str, Any] = {"format": format_, "speed": speed, "lane": lane, "title": title, "key": key}
    if webhook_url is not None:
        fields["webhook"] = {"url": webhook_url, **({"events": list(events)} if events else {})}
    if file is not None:
        job = client.submit_file(file, voice=voice or voice_of_file(client, file), **fields)
    else:
        assert text is not None
        text = read_text(text)
        job = client.submit(text, voice=voice or chosen_voice(client, text), **fields)
    print_json(job) if as_json else click.echo(job["id"])


@click.command()
@click.argument("job_id", metavar="ID")
@json_option
def status(job_id: str, as_json: bool) -> None:
    """Show a job: state, progress, timings, result or error."""
    from loa.client import Client

    show(Client().get(job_id), as_json)


@click.command()
@click.argument("job_id", metavar="ID")
@click.option("-o", "--output", "target", type=target_type, help="Write the audio to this file.")
@timeout_option
@json_option
def wait(job_id: str, target: Path | None, timeout: float | None, as_json: bool) -> None:
    """Wait until a job has ended; with -o, fetch its audio.

    Exit code 1 if the job failed or was canceled, 4 if waiting timed out. An interrupted download goes on where it stopped.
    """
    from loa.client import Client

    if target is not None:
        check_folder(target)
    client = Client()
    deliver(client, follow(client, job_id, timeout), target, as_json)


@click.command()
@click.argument("job_id", metavar="ID")
@json_option
def cancel(job_id: str, as_json: bool) -> None:
    """Stop a job. One that has ended stays as it is."""
    from loa.client import Client

    job = Client().cancel(job_id)
    print_json(job) if as_json else click.echo(f"{job['id']} is {job['state']}")


@click.command()
@click.option("--state", type=click.Choice([state.value for state in State]), help="Only jobs in this state.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most this many.")
@json_option
def jobs(state: str | None, limit: int, as_json: bool) -> None:
    """List jobs, newest first."""
    from loa.client import Client

    found = list(Client().jobs(state=state, limit=limit))
    if as_json:
        print_json(found)
    elif not found:
        note("no jobs" if state is None else f"no jobs that are {state}")
    else:
        print_table(("id", "state", "voice", "progress", "audio", "created", "title"), [_row(job) for job in found])


def read_text(text: str) -> str:
    """TEXT, or standard input for "-". Raises click.BadParameter when that is not UTF-8."""
    if text != "-":
        return text
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise click.BadParameter(f"standard input is not UTF-8 (byte {error.start})", param_hint="'TEXT'") from error


def chosen_voice(client: Client, text: str) -> str:
    """The voice for a text for which none was named; says which and why."""
    from loa.cli.voice_choice import choose_voice, looks_vietnamese

    choice = choose_voice(text, client.voices() if looks_vietnamese(text) else ())
    note(f"voice: {choice.voice} ({choice.reason})" + (f"\n{choice.hint}" if choice.hint else ""))
    return choice.voice


def format_of(target: Path) -> str:
    """The audio format that a file's extension names. Raises click.BadParameter."""
    formats = {f".{form.extension}": form.name for form in FORMATS.values()}
    if target.suffix.lower() not in formats:
        raise click.BadParameter(f"{target.name!r} should end in one of {', '.join(formats)}, or give --format", param_hint="'-o'")
    return formats[target.suffix.lower()]


def check_folder(target: Path) -> None:
    """Find out before the work is done that its result could not be written."""
    if not target.absolute().parent.is_dir():
        raise click.BadParameter(f"there is no folder {target.absolute().parent}", param_hint="'-o'")


def follow(client: Client, job_id: str, timeout: float | None = None) -> dict[str, Any]:
    """Show the job's progress until it has ended. Raises WaitTimedOut."""
    job: dict[str, Any] = {}
    with job_progress() as progress:
        for job in client.watch(job_id, timeout=timeout):
            progress.show(job)
    return job


def deliver(client: Client, job: dict[str, Any], target: Path | None, as_json: bool) -> None:
    """Fetch the audio of an ended job and report; a job that failed is raised as its error."""
    from loa.client import error_of

    if job["state"] != State.SUCCEEDED:
        if as_json:
            print_json(job)
        raise error_of(job) or JobCanceled(f"job {job['id']} was canceled", job=job["id"])
    if target is not None:
        with byte_progress() as show_bytes:
            client.download(job["id"], target, progress=partial(show_bytes, target.name))
    if as_json:
        print_json(job)
    elif target is None:
        show(job, as_json)
    else:
        result, timings = job["result"], job["timings"]
        length, took = seconds(result["duration_seconds"]), seconds(timings["total_seconds"])
        click.echo(f"{target}: {length} of speech, {size(result['bytes'])}, in {took}")


def show(job: dict[str, Any], as_json: bool) -> None:
    """The job as JSON, or what a person wants to know of it."""
    if as_json:
        print_json(job)
        return
    progress, timings, result, error = job["progress"], job["timings"], job["result"], job["error"]
    waits = job["state"] == State.QUEUED and progress["queue_position"]
    print_facts(
        {
            "id": job["id"],
            "state": job["state"],
            "title": job["title"],
            "voice": f"{job['voice']}, speed {job['speed']:g}, {job['format']}",
            "created": job["created_at"],
            "finished": job["finished_at"],
            "waiting": job["waiting_reason"],
            "jobs ahead": progress["queue_position"] if waits else None,
            "progress": _progress(job),
            "chapter": progress.get("chapter"),
            "time left": seconds(progress["eta_seconds"]),
            "queued for": seconds(timings["queued_seconds"]),
            "set-up paid": seconds(timings["setup_seconds"]),
            "synthesis": seconds(timings["synthesis_seconds"]),
            "total": seconds(timings["total_seconds"]),
            "audio": f"{seconds(result['duration_seconds'])}, {size(result['bytes'])}, {result['sample_rate']} Hz" if result else None,
            "sha256": result["sha256"] if result else None,
            "error": f"{error['message']} ({error['code']})" if error else None,
            "webhook": job["webhook"]["url"] if job.get("webhook") else None,
        }
    )


def _row(job: dict[str, Any]) -> tuple[Any, ...]:
    duration = job["result"]["duration_seconds"] if job["result"] else None
    return job["id"], job["state"], job["voice"], _progress(job), seconds(duration), job["created_at"], job["title"]


def _progress(job: dict[str, Any]) -> str | None:
    progress = job["progress"]
    return f"{progress['segments_done']}/{progress['segments_total']}" if progress["segments_total"] else None
