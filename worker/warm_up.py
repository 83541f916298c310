"""How a speaking process gets hot: everything that costs time once, done and measured before the first task.

Each step is announced as it begins, so that whoever waits sees what the process is doing; its seconds are announced when it ends.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from loa.artifacts import Artifacts
from loa.audio import as_stored, pack_segment
from loa.errors import InvalidSetting, LoaError, StartFailed
from loa.jobs import Job, Order, new_job_id
from loa.plan.cast import Cast, Part
from loa.plan.planning import plan_text
from loa.settings import Settings
from loa.states import State
from loa.voices import Voice, VoiceRegistry
from worker.assembly import Assembler, StoredAudio
from worker.engines import load_engine
from worker.engines.base import Engine, Passage, VoiceState
from worker.heartbeat import Heartbeat
from worker.plausibility import defect
from worker.voice_cache import VoiceCache
from worker.voice_loader import VoiceLoader
from worker.voice_states import VoiceStates

log = logging.getLogger(__name__)

TEST_SENTENCES = {"en": "This is a short test before the work begins.", "vi": "Đây là một câu thử trước khi bắt đầu làm việc."}


@dataclass(frozen=True, kw_only=True)
class Hot:
    engines: dict[str, Engine]
    cache: VoiceCache[VoiceState]


class WarmUp:
    """The steps load → warm → preload → speak, on the device that the process is pinned to."""

    def __init__(
        self,
        settings: Settings,
        heartbeat: Heartbeat,
        voices: VoiceRegistry,
        artifacts: Artifacts,
        assembler: Assembler,
        device: torch.device,
    ) -> None:
        self._settings, self._heartbeat, self._voices = settings, heartbeat, voices
        self._assembler, self._device = assembler, device
        self._engines: dict[str, Engine] = {}
        load = VoiceLoader(voices, self._engines, device, VoiceStates(artifacts) if settings.warm else None)
        self._cache: VoiceCache[VoiceState] = VoiceCache(load, max_bytes=settings.voice_cache_bytes if settings.warm else 0)

    def run(self, names: Sequence[str]) -> Hot:
        """Raises LoaError: the start has failed."""
        for name in names:
            with self._heartbeat.step(f"load {name}", f"loading engine {name}"):
                engine = load_engine(name)
                engine.load(self._device, self._settings)
            self._engines[name] = engine
        if self._settings.warm:
            voices = self._preloaded()
            for name, engine in self._engines.items():
                self._warm(name, engine, [voice for voice in voices if voice.engine == name])
            with self._heartbeat.step("preload", "loading voices"):
                for voice in voices:
                    self._state(voice)
            self._heartbeat.announce(voices=tuple(voice.name for voice in voices))
            with self._heartbeat.step("speak", "speaking a test sentence"):
                for voice in {voice.engine: voice for voice in reversed(voices)}.values():
                    self._speak_test(voice)
        return Hot(engines=self._engines, cache=self._cache)

    def _preloaded(self) -> list[Voice]:
        """Common voices of this process's engines that are installed, and those that LOA_PRELOAD names; the common ones first."""
        named = [name.strip() for name in self._settings.preload.split(",") if name.strip()]
        known = self._voices.all()
        for name in named:
            if name not in known:
                raise InvalidSetting(f"LOA_PRELOAD names the voice {name!r}, which does not exist")
        wanted = [voice for voice in known.values() if voice.common] + [known[name] for name in named if not known[name].common]
        ours = [voice for voice in wanted if voice.engine in self._engines]
        skipped = [voice.name for voice in ours if not self._voices.installed(voice)]
        for name in skipped:
            log.warning("voice %s is not installed and not preloaded; `loa voices pull %s` installs it", name, name)
        self._heartbeat.announce(skipped=tuple(skipped))
        return [voice for voice in ours if voice.name not in skipped]

    def _warm(self, name: str, engine: Engine, voices: Sequence[Voice]) -> None:
        if not voices:
            log.warning("no voice of the engine %s is installed, so it cannot be warmed", name)
            return
        with self._heartbeat.step(f"warm {name}", f"warming engine {name}"):
            state = self._state(voices[0])
            for shape in engine.warm_shapes():
                engine.warm(state, shape)

    def _state(self, voice: Voice) -> VoiceState:
        return self._cache.get(voice.name, self._voices.fingerprint(voice)).state

    def _speak_test(self, voice: Voice) -> None:
        """Speak a sentence as a job would have it, down to the audio file, and refuse what is no speech."""
        text = TEST_SENTENCES.get(voice.language.partition("-")[0], TEST_SENTENCES["en"])
        fingerprint = self._voices.fingerprint(voice)
        (segment,) = plan_text(text, cast=Cast(main=Part(voice=voice, fingerprint=fingerprint))).segments
        (speech,) = self._engines[voice.engine].synthesize([Passage(text=segment.spoken, voice=self._state(voice))])
        if isinstance(speech, LoaError):
            raise StartFailed(f"voice {voice.name!r} does not speak the test sentence: {speech.message}")
        if problem := defect(speech):
            raise StartFailed(f"voice {voice.name!r} does not speak the test sentence: {problem}")
        order = Order(
            id=new_job_id(), voice=voice.name, fingerprint=fingerprint, engine=voice.engine, characters=len(text), segment=segment
        )
        job = Job.from_record({**order.fields(), "state": State.ASSEMBLING, "created": "0"})
        pack_segment(speech.pcm, speech.sample_rate, speech.words)
        audio = StoredAudio(pcm=as_stored(speech.pcm), sample_rate=speech.sample_rate, words=speech.words)
        self._assembler.discard(self._assembler.make(job, "rehearsal", {segment.address: audio}))
