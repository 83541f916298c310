"""How fast is the vits engine beside piper-tts, on the same voice and texts?

    python benchmarks/rtf.py [ROUNDS]

Two processes, each with the voice `joe` loaded and warmed and with all threads of the machine, take turns ROUNDS times (default 5, at
least 5) at two kinds of work: "sentences", one call for each of 21, and "book", one call with all of them (piper-tts knows no batches
and speaks them one by one). Text to samples, noise and levels as each has them by default. The figure is the real-time factor (seconds of
compute for a second of audio, less is better), the median of the rounds, and its ratio to piper-tts's in the same run (less than 1: Loa
is faster).

The ceiling: a second of a medium voice takes about 5.5 GFLOP (counted below, by operators), so the real-time factor cannot be under that
divided by what the machine does in a large matrix product, which is measured in the same run.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection

from stage import SENTENCES, median, report

from loa.settings import Settings
from loa.voices import VoiceRegistry

LEAST_ROUNDS = 5
PRODUCT = 2048  # rows and columns of the matrix product that stands for what the machine can do

Speak = Callable[[Sequence[str]], float]  # texts → seconds of audio


def loa_voice(threads: int) -> Speak:
    import torch

    from worker.engines import load_engine
    from worker.engines.base import Passage

    torch.set_num_threads(threads)
    registry = VoiceRegistry(Settings.load({}))
    engine = load_engine("vits")
    engine.load(torch.device("cpu"), Settings.load({}))
    voice = engine.make_voice(registry.get("joe"), registry.files(registry.get("joe")))
    for shape in engine.warm_shapes():
        engine.warm(voice, shape)

    def speak(texts: Sequence[str]) -> float:
        return sum(speech.seconds for speech in engine.synthesize([Passage(text=text, voice=voice) for text in texts]))

    return speak


def piper_voice(threads: int) -> Speak:
    import onnxruntime
    from piper import PiperVoice

    registry = VoiceRegistry(Settings.load({}))
    files = registry.files(registry.get("joe"))
    voice = PiperVoice.load(files["model"], files["config"])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    voice.session = onnxruntime.InferenceSession(str(files["model"]), sess_options=options, providers=["CPUExecutionProvider"])

    def speak(texts: Sequence[str]) -> float:
        return sum(len(chunk.audio_float_array) / chunk.sample_rate for text in texts for chunk in voice.synthesize(text))

    return speak


def serve(pipe: Connection, make: Callable[[int], Speak], threads: int) -> None:
    """One contestant: warms up, then answers every list of calls with its real-time factor."""
    speak = make(threads)
    for text in SENTENCES:
        speak([text])
    pipe.send(None)
    while (calls := pipe.recv()) is not None:
        began = time.perf_counter()
        audio = sum(speak(texts) for texts in calls)
        pipe.send((time.perf_counter() - began) / audio)


def ceiling(threads: int) -> dict[str, float]:
    """GFLOP for a second of audio, GFLOP a second of this machine, and the real-time factor that follows."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    speak = loa_voice(threads)
    with FlopCounterMode(display=False) as counter:
        audio = speak(SENTENCES)
    needed = counter.get_total_flops() / audio / 1e9
    left, right = torch.rand(PRODUCT, PRODUCT), torch.rand(PRODUCT, PRODUCT)
    seconds = []
    for _ in range(LEAST_ROUNDS):
        began = time.perf_counter()
        left @ right
        seconds.append(time.perf_counter() - began)
    able = 2 * PRODUCT**3 / median(seconds) / 1e9
    return {"gflop_per_audio_second": round(needed, 2), "machine_gflop_per_second": round(able, 1), "rtf": round(needed / able, 4)}


def main() -> None:
    rounds = max(LEAST_ROUNDS, int(sys.argv[1]) if len(sys.argv) > 1 else LEAST_ROUNDS)
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    works = {"sentences": [[text] for text in SENTENCES], "book": [SENTENCES]}
    context = multiprocessing.get_context("spawn")
    pipes: dict[str, Connection] = {}
    processes = []
    for name, make in (("loa", loa_voice), ("piper", piper_voice)):
        pipes[name], theirs = context.Pipe()
        processes.append(context.Process(target=serve, args=(theirs, make, threads), daemon=True))
        processes[-1].start()
        pipes[name].recv()
    factors: dict[str, dict[str, list[float]]] = {work: {name: [] for name in pipes} for work in works}
    for turn in range(rounds):
        for work, calls in works.items():
            for name in sorted(pipes, reverse=turn % 2 == 1):
                pipes[name].send(calls)
                factors[work][name].append(pipes[name].recv())
    for pipe in pipes.values():
        pipe.send(None)
    for process in processes:
        process.join()
    figures: dict[str, object] = {"rounds": rounds, "threads": threads, "voice": "joe", "ceiling": ceiling(threads)}
    for work, by_name in factors.items():
        loa, piper = median(by_name["loa"]), median(by_name["piper"])
        ratios = [ours / theirs for ours, theirs in zip(by_name["loa"], by_name["piper"], strict=True)]
        figures[work] = {"loa_rtf": round(loa, 4), "piper_rtf": round(piper, 4), "ratio": round(median(ratios), 3)}
        print(f"{work:10} loa {loa:.4f}   piper-tts {piper:.4f}   ratio {median(ratios):.3f}")
    report("rtf", figures)


if __name__ == "__main__":
    main()
