"""Where in a recording somebody speaks: Silero VAD, a network of 1.2 MB (MIT licence), run by onnxruntime.

The package `silero-vad` is the network's distribution. It is never imported, because it imports torch, which neither the API nor the
command line may load; only the file that lies in it is used. The form of that file that takes a whole recording at once came with 6.2.3.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from loa.errors import PartMissing

if TYPE_CHECKING:
    import onnxruntime

SAMPLE_RATE = 16_000  # Hz; all lengths below are samples at this rate
FRAME, CONTEXT = 512, 64  # 32 ms are judged at once, with 4 ms of what came before
STATE = (1, 1, 128)  # of the network's memory
MODEL = Path("data", "silero_vad_16k_sequence.onnx")

# Silero's own defaults, which the reference implementation of VietTTS uses.
SPEECH = 0.5  # a frame as probable as this begins speech,
PAUSE = 0.35  # one less probable than this may end it,
SHORTEST_PAUSE = 1600  # 0.1 s: when no speech follows for as long as this
SHORTEST_SPEECH = 4000  # 0.25 s: anything shorter is a noise
MARGIN = 480  # 0.03 s are added on either side, because speech begins and ends softly


class Stretch(NamedTuple):
    """Of uninterrupted speech."""

    start: int
    end: int


def speech_stretches(pcm: np.ndarray) -> list[Stretch]:
    """float32 samples [n] at 16 kHz → where somebody speaks, in order. Raises PartMissing."""
    found: list[Stretch] = []
    start: int | None = None
    pause: int | None = None  # where the silence began that may end this stretch
    for number, probability in enumerate(speech_probabilities(pcm)):
        here = number * FRAME
        if probability >= SPEECH:
            pause = None
            start = here if start is None else start
        elif probability < PAUSE and start is not None:
            pause = here if pause is None else pause
            if here - pause >= SHORTEST_PAUSE:
                found.append(Stretch(start, pause))
                start = pause = None
    if start is not None:
        found.append(Stretch(start, len(pcm)))
    return _with_margins([stretch for stretch in found if stretch.end - stretch.start > SHORTEST_SPEECH], len(pcm))


def speech_probabilities(pcm: np.ndarray) -> np.ndarray:
    """How probable it is that each frame is speech: [frames], the last one filled up with silence."""
    frames = -(-len(pcm) // FRAME)
    if frames == 0:
        return np.zeros(0, dtype=np.float32)
    padded = np.zeros(CONTEXT + frames * FRAME, dtype=np.float32)
    padded[CONTEXT : CONTEXT + len(pcm)] = pcm
    windows = np.lib.stride_tricks.sliding_window_view(padded, CONTEXT + FRAME)[::FRAME]
    memory = np.zeros(STATE, dtype=np.float32)
    (probabilities,) = _session().run(["speech_probs"], {"input": np.ascontiguousarray(windows), "h": memory, "c": memory})
    return probabilities


def _session() -> onnxruntime.InferenceSession:
    """Made anew every time: 20 ms, and recordings are rare."""
    try:
        import onnxruntime
    except ImportError as error:
        raise PartMissing("reading a voice from a recording needs onnxruntime; install it with: pip install 'loa[viettts]'") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # too small to share out
    options.log_severity_level = 3  # errors; it warns of weights that the network does not use
    return onnxruntime.InferenceSession(_model(), options, providers=["CPUExecutionProvider"])


def _model() -> Path:
    package = importlib.util.find_spec("silero_vad")
    if package is None or package.origin is None or not (path := Path(package.origin).parent / MODEL).is_file():
        raise PartMissing("reading a voice from a recording needs silero-vad 6.2.3 or newer; install it with: pip install 'loa[viettts]'")
    return path


def _with_margins(stretches: list[Stretch], samples: int) -> list[Stretch]:
    """Each stretch longer by MARGIN on either side; where two then meet, they share what is between them."""
    widened = []
    for number, (start, end) in enumerate(stretches):
        before = start - stretches[number - 1].end if number else 2 * start
        after = stretches[number + 1].start - end if number + 1 < len(stretches) else 2 * (samples - end)
        widened.append(Stretch(start - min(MARGIN, before // 2), end + min(MARGIN, after // 2)))
    return widened
