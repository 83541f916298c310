"""How much less does VietTTS cost in Loa than in its own implementation?

    make reference && PYTHONPATH=.reference .venv/bin/python benchmarks/viettts.py [ROUNDS]

Both say the same text with the same random weights of the public model's sizes, on one thread of this machine, in turns: 30 text ids,
200 speech tokens (8 s) that are forced, a prompt of 5 s. CPU seconds, median of ROUNDS (default 5; a round is some minutes). Two questions:

- float32: how much less work is it? Both compute everything in float32.
- as_shipped: how much less does a user wait? The reference runs its language model in float16, on any device; Loa on a CPU in its default
  precision, which is float16 weights with float32 sums where FBGEMM is there (`language_model_weights` says what it was). Flow and vocoder
  are float32 on both sides, and those of the same round.

Floors for these 200 tokens on a core with 14.5 GB/s and 155 GFLOP/s: language model 10 s (0.72 GB of weights are read a token; 5 s of
float16), flow 19.5 s (10 steps of two passes over prompt and speech are 3.0 TFLOP), vocoder 2.5 s (0.4 TFLOP).
Marks, of either: whole ≤ 0.65 of the reference (aim 0.45), language model ≤ 0.35.

Set-up: the reference listens to the prompt again for every sentence. What its features alone cost, without the two networks that read
them, is measured as `prompt_features`; Loa pays it once for a voice, and `prompts_made_while_speaking` counts how often afterwards.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from stage import median, report

from loa.engine_files import EngineFiles, bundles
from tests.engines.viettts import published, tiny_frontend
from worker.engines.base import Passage
from worker.engines.viettts import engine as engine_module
from worker.engines.viettts.architecture import FULL
from worker.engines.viettts.features import PROMPT_RATE, SPEECH_RATE, fbank, log_mel_128, prompt_mel
from worker.engines.viettts.flow import Prompt
from worker.engines.viettts.language_model import LanguageModel
from worker.engines.viettts.model import Model, Timbre
from worker.engines.viettts.precision import Precision, name_of
from worker.engines.viettts.reference import Missing, Reference
from worker.engines.viettts.source import draw
from worker.engines.viettts.weights import file_shapes, load_language_model
from worker.resample import torchaudio

TEXT_IDS, TOKENS, PROMPT_SECONDS = 30, 200, 5
PARTS = ("language_model", "flow", "vocoder")
CPU = torch.device("cpu")


sys.path.remove(str(Path(__file__).parent))  # or this file would be found where the reference's package, of the same name, is looked for


@torch.inference_mode()
def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    torch.set_num_threads(1)
    random = torch.Generator().manual_seed(1)
    shape = FULL.flow
    ids = torch.randint(FULL.language_model.text_vocabulary, (TEXT_IDS,), generator=random)
    embedding = torch.randn(shape.speaker_size, generator=random)
    frames = PROMPT_SECONDS * shape.sample_rate // shape.hop
    prompt = Prompt(
        tokens=torch.randint(shape.vocabulary, (PROMPT_SECONDS * shape.token_rate,), generator=random),
        mel=torch.randn(frames, shape.mels, generator=random),
    )
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as name:
        folder = Path(name)
        published.write(folder, FULL)
        tiny_frontend.write(folder)
        try:
            reference = Reference(
                folder / "config.yaml", {name: torch.load(folder / name, weights_only=True) for name in file_shapes(FULL)}
            )
        except Missing as missing:
            raise SystemExit(f"the reference is not there ({missing}): make reference, then PYTHONPATH=.reference") from None
        files = EngineFiles(bundles()["viettts"], folder)
        model = Model.load(files, CPU, Precision.chosen("float32", CPU))
        timbre = Timbre(
            language_model=model.language_model.speaker(embedding[None])[0], flow=model.flow.speaker(embedding[None])[0], prompt=prompt
        )
        shipped, default = reference.as_shipped(), Precision.chosen("reference", CPU)
        language_model = default.applied(load_language_model(folder / "llm.pt", FULL.language_model, CPU))
        language_model.prepare()
        rounds_spent = []
        for _ in range(rounds + 1):
            spent = {"reference": by_reference(reference, ids, embedding, prompt), "loa": by_loa(model, ids, timbre)}
            _, spent["reference"]["shipped_language_model"] = timed(lambda: shipped.tokens(ids, embedding, TOKENS))
            _, spent["loa"]["shipped_language_model"] = timed(lambda: said_by_loa(language_model, ids, timbre))
            rounds_spent.append(spent)
        made = prompts_made(files)
    measured = {"float32": "language_model", "as_shipped": "shipped_language_model"}
    seconds = {kind: medians(rounds_spent[1:], part) for kind, part in measured.items()}  # the first warms all and counts for nothing
    report(
        "viettts",
        {
            "rounds": rounds,
            "speech_seconds": TOKENS / shape.token_rate,
            "language_model_weights": name_of(default.language_model),
            "cpu_seconds": {
                kind: {side: {part: round(value, 2) for part, value in parts.items()} for side, parts in sides.items()}
                for kind, sides in seconds.items()
            },
            "ratios": {
                kind: {part: round(sides["loa"][part] / sides["reference"][part], 3) for part in (*PARTS, "whole")}
                for kind, sides in seconds.items()
            },
            "marks": {"whole": 0.65, "language_model": 0.35, "aim_whole": 0.45},
            "prompt_features_cpu_seconds": round(prompt_features(), 3),
            "prompts_made_while_speaking": made,
        },
    )


def medians(rounds: Sequence[Mapping[str, Mapping[str, float]]], language_model: str) -> dict[str, dict[str, float]]:
    """Of each side the median seconds of its parts and of their sum. language_model: which of its two is meant."""
    found = {}
    for side in ("reference", "loa"):
        parts = {part: [spent[side][language_model if part == "language_model" else part] for spent in rounds] for part in PARTS}
        parts["whole"] = [sum(values) for values in zip(*parts.values(), strict=True)]
        found[side] = {part: median(values) for part, values in parts.items()}
    return found


def by_reference(model: Reference, ids: torch.Tensor, embedding: torch.Tensor, prompt: Prompt) -> dict[str, float]:
    tokens, language_model = timed(lambda: model.tokens(ids, embedding, TOKENS))
    mel, flow = timed(lambda: model.mel(tokens, prompt.tokens, prompt.mel, embedding, seed=1))
    _, vocoder = timed(lambda: model.samples(mel))
    return {"language_model": language_model, "flow": flow, "vocoder": vocoder}


def by_loa(model: Model, ids: torch.Tensor, timbre: Timbre) -> dict[str, float]:
    tokens, language_model = timed(lambda: said_by_loa(model.language_model, ids, timbre))
    generator = torch.Generator().manual_seed(1)
    frames = len(timbre.prompt.mel) + model.flow.frames(TOKENS)
    noise = torch.randn(model.architecture.flow.mels, frames, generator=generator)
    (mel,), flow = timed(lambda: model.flow.mels([tokens], [timbre.prompt], timbre.flow[None], [noise]))
    row = draw(model.architecture.vocoder, mel.shape[1], generator)
    _, vocoder = timed(lambda: model.vocoder.speak([mel], [row]))
    return {"language_model": language_model, "flow": flow, "vocoder": vocoder}


def said_by_loa(model: LanguageModel, ids: torch.Tensor, timbre: Timbre) -> torch.Tensor:
    (tokens,) = model.generate([ids], timbre.language_model[None], [torch.Generator().manual_seed(1)], forced=TOKENS)
    return tokens


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What came of it, and its CPU seconds."""
    began = time.process_time()
    result = work()
    return result, time.process_time() - began


def prompt_features() -> float:
    """CPU seconds of what the reference computes of the prompt before every sentence, without its two ONNX networks."""
    pcm = torch.randn(PROMPT_SECONDS * SPEECH_RATE, generator=torch.Generator().manual_seed(2)) * 0.1
    upsample = torchaudio().transforms.Resample(SPEECH_RATE, PROMPT_RATE)

    def features() -> None:
        fbank(pcm), log_mel_128(pcm), prompt_mel(upsample(pcm))

    features()
    return median([timed(features)[1] for _ in range(5)])


def prompts_made(files: EngineFiles) -> int:
    """How often the engine hears a recording while it speaks three sentences of one voice: a tiny model, because it is only counted."""
    from tests.spoken import RATE, spoken
    from worker.engines.viettts.engine import Engine

    with tempfile.TemporaryDirectory(prefix="loa-bench-") as name:
        import soundfile

        from loa.voices import Voice

        folder = Path(name)
        published.write(folder)
        tiny_frontend.write(folder, vocabulary=published.TINY.flow.vocabulary)
        soundfile.write(folder / "prompt.wav", spoken(), RATE)
        engine = Engine()
        engine.open(EngineFiles(files.bundle, folder), CPU, Precision.chosen("float32", CPU))
        voice = Voice(name="someone", title="", engine="viettts", language="vi-VN", licence="", commercial_use=True)
        state = engine.make_voice(voice, {"prompt": folder / "prompt.wav"})
        with mock.patch.object(engine_module, "make_prompt", side_effect=AssertionError) as heard:
            for text in ("Xin chào.", "Một câu nữa.", "Câu cuối cùng."):
                engine.synthesize([Passage(text=text, voice=state)])
        return heard.call_count


if __name__ == "__main__":
    main()
