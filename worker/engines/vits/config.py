"""A Piper voice's .json: how its phonemes are numbered, how much noise it likes, who speaks."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loa.errors import BrokenVoice

PAD, START, END = "_", "^", "$"  # the ids that Piper puts after every phoneme, before all and after all
PHONEME_TYPES = ("espeak", "text")


@dataclass(frozen=True, kw_only=True)
class VoiceConfig:
    sample_rate: int  # Hz
    phoneme_type: str  # "espeak": what espeak-ng says of the text; "text": the text's own characters
    espeak_voice: str  # espeak-ng's name of the language
    phoneme_ids: dict[str, tuple[int, ...]]
    clusters: tuple[tuple[str, ...], ...]  # vowels that are one phoneme together, e.g. ("a", "ɪ") for "aɪ"
    noise_scale: float  # of the voice: how much it varies
    duration_noise_scale: float  # of the rhythm
    length_scale: float  # 2: twice as slow
    speakers: int
    speaker_ids: dict[str, int]  # by name
    default_speaker: int

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def read(cls, path: Path) -> VoiceConfig:
        """Raises BrokenVoice, which names the file and the field."""
        try:
            table = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise BrokenVoice(f"{path} cannot be read: {error.strerror or error}", file=path.name) from error
        except ValueError as error:  # not UTF-8, or not JSON
            raise BrokenVoice(f"{path} is no JSON file: {error}", file=path.name) from error
        try:
            return cls.from_json(table)
        except KeyError as error:
            raise BrokenVoice(f"{path} is no Piper voice configuration: it lacks {error.args[0]!r}", file=path.name) from error
        except (TypeError, ValueError, AttributeError) as error:
            raise BrokenVoice(f"{path} is no Piper voice configuration: {error}", file=path.name) from error

    @classmethod
    def from_json(cls, table: dict[str, Any]) -> VoiceConfig:
        """Raises KeyError, TypeError or ValueError on a table that is not a Piper voice's."""
        if not isinstance(table, dict):
            raise TypeError(f"a JSON object is expected, not {type(table).__name__}")
        inference = table.get("inference", {})
        config = cls(
            sample_rate=int(table["audio"]["sample_rate"]),
            phoneme_type=str(table.get("phoneme_type", "espeak")),
            espeak_voice=str(table["espeak"]["voice"]),
            phoneme_ids={phoneme: tuple(int(number) for number in numbers) for phoneme, numbers in table["phoneme_id_map"].items()},
            clusters=tuple(tuple(cluster) for cluster in table.get("vowel_clusters") or ()),
            noise_scale=float(inference.get("noise_scale", 0.667)),
            duration_noise_scale=float(inference.get("noise_w", 0.8)),
            length_scale=float(inference.get("length_scale", 1.0)),
            speakers=int(table.get("num_speakers", 1)),
            speaker_ids={str(name): int(number) for name, number in table.get("speaker_id_map", {}).items()},
            default_speaker=int(table.get("default_speaker_id", 0)),
        )
        if config.phoneme_type not in PHONEME_TYPES:
            raise ValueError(f"phoneme_type is {config.phoneme_type!r}; Loa speaks {' and '.join(PHONEME_TYPES)}")
        for phoneme in (PAD, START, END):
            if not config.phoneme_ids.get(phoneme):
                raise ValueError(f"phoneme_id_map has no id for {phoneme!r}")
        for name, value in (("sample_rate", config.sample_rate), ("length_scale", config.length_scale)):
            if not 0 < value < 1e6:
                raise ValueError(f"{name} is {value}")
        return config
