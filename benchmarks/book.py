"""How much of what the engine can do is left when a whole book goes through the service?

    python benchmarks/book.py FILE [--chapters 1-5] [--format m4b] [--rounds 5]

Every round takes the same book twice, in turns: through the service (submitted as a file: read, planned, spoken, mastered, encoded), with
nothing of it in the cache, and through the bare engine: as many processes as the service has for speaking, with as many threads. They speak
the very same passages with the same noise, sorted by length and cut into batches of the service's size, and keep nothing. The figure is
hours of audio an hour, and its ratio to the bare engine's (mark: ≥ 0.95) both ways: of speech alone, and with the pauses, which only the
service makes. The bare engine is the ceiling: whatever the service does beside it takes from the same cores. After the rounds: the seconds
for the same book once more with everything cached, and for the book with one word more in one paragraph; and the peak memory of each
process, of the whole run. The last line is JSON.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import multiprocessing.connection
import os
import re
import shutil
import sys
import tempfile
import time
import zipfile
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil
from stage import median, report, service

from loa.client import Client
from loa.plan import Plan, Segment
from loa.settings import Settings

VOICE = "joe"
LEAST_ROUNDS = 5
PATIENCE = 4 * 3600.0  # seconds for one narration
PHRASE = re.compile(r"[a-z]{3,} [a-z]{3,} [a-z]{3,} [a-z]{3,}")  # words of one line, as they stand in the file


def bare_engine(pipe: Connection, threads: int) -> None:
    """One process of the bare engine: speaks the batches that it is sent, and answers with the seconds of audio."""
    import torch

    from loa.voices import VoiceRegistry
    from worker.engines import load_engine
    from worker.engines.base import Passage
    from worker.speak import seed_of

    torch.set_num_threads(threads)
    settings = Settings.load({})
    registry = VoiceRegistry(settings)
    engine = load_engine("vits")
    engine.load(torch.device("cpu"), settings)
    voice = engine.make_voice(registry.get(VOICE), registry.files(registry.get(VOICE)))
    for shape in engine.warm_shapes():
        engine.warm(voice, shape)
    pipe.send(None)
    while (segments := pipe.recv()) is not None:
        passages = [Passage(text=spoken, voice=voice, seed=seed_of(address, 0)) for spoken, address in segments]
        pipe.send(sum(speech.seconds for speech in engine.synthesize(passages)))


class BareEngine:
    """All processes of it."""

    def __init__(self, processes: int, threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipes = []
        for _ in range(processes):
            ours, theirs = context.Pipe()
            context.Process(target=bare_engine, args=(theirs, threads), daemon=True).start()
            self._pipes.append(ours)
        for pipe in self._pipes:
            pipe.recv()

    def close(self) -> None:
        for pipe in self._pipes:
            pipe.send(None)

    def speak(self, batches: list[list[tuple[str, str]]]) -> tuple[float, float]:
        """Seconds of audio, and the seconds that they took."""
        waiting, audio, busy = list(batches), 0.0, []
        began = time.perf_counter()
        for pipe in self._pipes:
            if waiting:
                pipe.send(waiting.pop())
                busy.append(pipe)
        while busy:
            for pipe in multiprocessing.connection.wait(busy):
                audio += pipe.recv()
                if waiting:
                    pipe.send(waiting.pop())
                else:
                    busy.remove(pipe)
        return audio, time.perf_counter() - began


def batches(segments: list[Segment], settings: Settings, rate: float) -> list[list[tuple[str, str]]]:
    """Passages (words, address) of about the same length together, each batch of `settings.batch_seconds` of compute at most; the longest
    come first."""
    found: list[list[tuple[str, str]]] = [[]]
    seconds = 0.0
    for segment in sorted(segments, key=lambda segment: segment.audio_seconds):
        cost = segment.audio_seconds * rate
        if found[-1] and (len(found[-1]) >= settings.batch_max or seconds + cost > settings.batch_seconds):
            found.append([])
            seconds = 0.0
        found[-1].append((segment.spoken, segment.address))
        seconds += cost
    return found


def narrate(client: Client, name: str, content: bytes, fields: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as folder:
        file = Path(folder, name)
        file.write_bytes(content)
        job = client.wait(client.submit_file(file, voice=VOICE, **fields)["id"], timeout=PATIENCE)
    assert job["state"] == "succeeded", job["error"]
    return job


def segments_of(artifacts: Path, job: str) -> list[Segment]:
    (plan,) = (artifacts / "plans" / job).glob("*.json")
    return list(Plan.unpack(plan.read_bytes()).segments)


def edited(content: bytes, segments: list[Segment]) -> bytes:
    """The document with one word more in one passage from its middle."""
    middle = sorted(segments, key=lambda segment: abs(segment.index - len(segments) // 2))
    phrases = [phrase.group().encode() for segment in middle if (phrase := PHRASE.search(segment.text))]
    if not content.startswith(b"PK"):
        phrase = next(phrase for phrase in phrases if content.count(phrase) == 1)
        return content.replace(phrase, phrase + b" really")
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        parts = {entry.filename: book.read(entry) for entry in book.infolist()}
    texts = [name for name in parts if name.endswith(("html", "htm", "document.xml"))]
    phrase, name = next(
        (phrase, found[0]) for phrase in phrases if len(found := [name for name in texts for _ in range(parts[name].count(phrase))]) == 1
    )
    parts[name] = parts[name].replace(phrase, phrase + b" really")
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as copy:
        for name, part in parts.items():
            copy.writestr(name, part)
    return target.getvalue()


def peaks() -> dict[str, float]:
    """MB of RSS that each process of the service had at most."""
    found: dict[str, float] = {}
    for process in psutil.Process().children(recursive=True):
        words = process.cmdline()
        if any("tracker import main" in word for word in words):
            continue
        if any("spawn_main" in word for word in words):
            parent = process.parent()
            name = f"{parent.cmdline()[-1]} process" if parent and parent.pid != psutil.Process().pid else ""
        else:
            name = "redis" if any(mark in words[0] for mark in ("redis", "valkey")) else words[-1]
        if name:
            status = Path(f"/proc/{process.pid}/status").read_text()
            found[name] = max(found.get(name, 0.0), int(status.partition("VmHWM:")[2].split()[0]) / 1000)
    return {name: round(peak) for name, peak in sorted(found.items())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--chapters")
    parser.add_argument("--format", default="m4b")
    parser.add_argument("--rounds", type=int, default=LEAST_ROUNDS)
    options = parser.parse_args()
    content = options.file.read_bytes()
    fields: dict[str, Any] = {"format": options.format, **({"chapters": options.chapters} if options.chapters else {})}
    ours: list[float] = []
    bare_rates: list[float] = []
    ratios: list[float] = []
    with service() as (stack, client):
        settings = stack.settings
        artifacts = Path(settings.data_dir, "artifacts")
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        bare = BareEngine(settings.processes, settings.threads or max(1, cores // settings.processes))
        for turn in range(max(1, options.rounds)):
            shutil.rmtree(artifacts / "segments", ignore_errors=True)
            shutil.rmtree(artifacts / "parts", ignore_errors=True)
            job = narrate(client, options.file.name, content, fields)
            seconds, audio = job["timings"]["total_seconds"], job["result"]["duration_seconds"]
            segments = segments_of(artifacts, job["id"])
            pace = job["timings"]["synthesis_seconds"] / job["progress"]["audio_seconds"]
            spoken, took = bare.speak(batches(segments, settings, pace))
            ours.append(audio / seconds)
            bare_rates.append(spoken / took)
            ratios.append((spoken / seconds) / (spoken / took))
            print(f"round {turn + 1}: {audio:.0f} s in {seconds:.1f} s; the bare engine {spoken:.0f} s in {took:.1f} s", file=sys.stderr)
        again = narrate(client, options.file.name, content, fields)["timings"]["total_seconds"]
        after_edit = narrate(client, options.file.name, edited(content, segments), fields)["timings"]["total_seconds"]
        memory = peaks()
        bare.close()
    report(
        "book",
        {
            "file": options.file.name,
            "chapters": options.chapters or "body",
            "format": options.format,
            "segments": len(segments),
            "audio_hours": round(audio / 3600, 3),
            "rounds": len(ours),
            "hours_of_audio_an_hour": round(median(ours), 1),
            "bare_engine": round(median(bare_rates), 1),
            "share_of_the_bare_engine": round(median(ratios), 3),
            "share_with_pauses": round(median([mine / bare_rate for mine, bare_rate in zip(ours, bare_rates, strict=True)]), 3),
            "shares": [round(ratio, 3) for ratio in ratios],
            "again_with_everything_cached_seconds": round(again, 2),
            "one_paragraph_edited_seconds": round(after_edit, 2),
            "peak_mb": memory,
        },
    )


if __name__ == "__main__":
    main()
