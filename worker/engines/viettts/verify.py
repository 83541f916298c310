"""`loa engines verify viettts`: whether this engine is right with the real weights, for whoever has them.

    files → configuration → checkpoints → the two networks that listen
          → each network beside the reference's (comparison.py) → three sentences by each voice (audition.py)

A step needs what earlier ones found; where that is missing it is skipped and says so. All other steps are taken, so that one run tells
everything. Each part is a generator of what its steps found, and returns what later parts need.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import platform
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from loa import __version__
from loa.engine_files import EngineFiles
from loa.installed import sha256_of
from loa.settings import Settings
from loa.verification import Check, Step, Steps, skipped
from loa.voices import VoiceRegistry
from worker.devices import device_names, pin
from worker.engines.viettts.architecture import FULL, Architecture
from worker.engines.viettts.audition import SENTENCES, audition, common_voices
from worker.engines.viettts.comparison import Heard, Networks, compare, compare_features
from worker.engines.viettts.config import read_config
from worker.engines.viettts.features import SPEECH_RATE
from worker.engines.viettts.frontend import Frontend
from worker.engines.viettts.prompt import read_prompt
from worker.engines.viettts.tokenizer import Tokenizer
from worker.engines.viettts.weights import file_shapes, load_flow, load_language_model, load_vocoder, read_tensors

CHECKPOINTS = {"language_model": "llm.pt", "flow": "flow.pt", "vocoder": "hift.pt"}  # by role, the name that the published file has
CPU = torch.device("cpu")
MOST_NAMED = 3  # sizes in one line; the report has all
MADE_UP = 4  # seconds of a sound for the listening networks, where there is no recording

Paths = Mapping[str, Path]  # of the files that are there, by their role


def verify(
    files: EngineFiles, settings: Settings, output: Path, recordings: Sequence[Path], begin: Callable[[str], None]
) -> Iterator[Check]:
    """The steps in order, each as it ends. begin: told the name of each step when it begins.

    output: the folder for what is spoken. recordings: of somebody, to be spoken with beside the common voices.
    """
    step = functools.partial(Step, begin)
    registry = VoiceRegistry(settings)
    device = yield from _machine(step, settings)
    paths = yield from _files(step, files)
    architecture = yield from _configuration(step, paths)
    networks = yield from _checkpoints(step, paths, architecture)
    heard = yield from _listening(step, paths, architecture, registry, recordings)
    if networks is None or heard is None:
        yield skipped("reference", "it is compared with all networks above, and not all of them are right")
    else:
        yield from compare(step, networks, heard, torch.tensor(Tokenizer().encode(SENTENCES[-1])))
        yield from compare_features(step, heard.pcm)
    complete = networks is not None and heard is not None and device is not None
    del networks  # a model in use takes as much memory again
    if complete:
        yield from audition(step, files, settings, device, registry, recordings, output)
    else:
        yield skipped("speech", "nothing is spoken before everything above is right")


def _machine(step: Steps, settings: Settings) -> Generator[Check, None, torch.device | None]:
    """The device that a worker's first process would take, with its threads."""
    device = None
    with step("machine") as taken:
        device, uuid = pin(device_names(settings)[0], settings, processes=1)
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
        about = {"loa": __version__, "python": platform.python_version(), "torch": torch.__version__, "threads": torch.get_num_threads()}
        versions = f"Loa {__version__}, Python {about['python']}, torch {about['torch']}, {about['threads']} threads"
        taken.found(f"{device} ({name}), {versions}", device=str(device), device_name=name, device_uuid=uuid, **about)
    yield taken.check
    return device if taken.passed else None


def _files(step: Steps, files: EngineFiles) -> Generator[Check, None, Paths]:
    """Names, sizes and checksums: what a manifest needs to know."""
    paths = {}
    for file in files.bundle.files:
        path = files.folder / file.name
        with step(f"file {file.name}") as taken:
            if not path.is_file():
                taken.fail(f"not found in {files.folder}; `loa engines pull {files.bundle.name}` brings it")
            else:
                paths[file.role] = path
                size, digest = path.stat().st_size, sha256_of(path)
                same = size == (file.size or size) and digest == (file.sha256 or digest)
                told = f"{size:,} bytes, sha256 {digest}"
                conclude = taken.found if same else taken.fail
                conclude(told if same else f"{told}: another file than the manifest names", bytes=size, sha256=digest)
        yield taken.check
    return paths


def _configuration(step: Steps, paths: Paths) -> Generator[Check, None, Architecture | None]:
    if "config" not in paths:
        yield skipped("configuration", "its file is missing")
        return None
    architecture = None
    with step("configuration") as taken:
        architecture = read_config(paths["config"])
        others = {name: [size, public] for name, size, public in _sizes(architecture, FULL) if size != public}
        keys = sum(map(len, file_shapes(architecture).values()))
        named = ", ".join(f"{name} is {size}, not {public}" for name, (size, public) in itertools.islice(others.items(), MOST_NAMED))
        model = f"another model than the public one: {len(others)} sizes differ, first {named}" if others else "the public model's sizes"
        taken.found(f"{model}; {keys:,} keys of weights", public=not others, differences=others, keys=keys)
    yield taken.check
    return architecture if taken.passed else None


def _sizes(one: Any, other: Any, prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Every field of two equal dataclasses with its two values, by its dotted name."""
    for field in dataclasses.fields(one):
        values = getattr(one, field.name), getattr(other, field.name)
        if dataclasses.is_dataclass(values[0]):
            yield from _sizes(*values, f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}", *values


def _checkpoints(step: Steps, paths: Paths, architecture: Architecture | None) -> Generator[Check, None, Networks | None]:
    """Each file loaded as a worker loads it: all of its keys, and no other."""
    if architecture is None:
        yield skipped("weights", "the configuration, which says what they must be, could not be read")
        return None
    loaders = {
        "language_model": lambda path: load_language_model(path, architecture.language_model, CPU),
        "flow": lambda path: load_flow(path, architecture.flow, CPU),
        "vocoder": lambda path: load_vocoder(path, architecture.vocoder, CPU),
    }
    shapes, tensors, networks = file_shapes(architecture), {}, {}
    for role, name in CHECKPOINTS.items():
        if role not in paths:
            yield skipped(f"weights {name}", "the file is missing")
            continue
        with step(f"weights {paths[role].name}") as taken:
            tensors[name] = read_tensors(paths[role], shapes[name])
            networks[role] = loaders[role](paths[role])
            keys, numbers = len(shapes[name]), sum(math.prod(shape) for shape in shapes[name].values())
            kinds = sorted({str(tensor.dtype).removeprefix("torch.") for tensor in tensors[name].values()})
            told = f"{keys:,} keys, all that there must be and no other, {numbers:,} parameters in {', '.join(kinds)}"
            taken.found(told, keys=keys, parameters=numbers, kinds=kinds)
        yield taken.check
    if networks.keys() != CHECKPOINTS.keys():
        return None
    return Networks(architecture=architecture, config=paths["config"], checkpoints=tensors, **networks)


def _listening(
    step: Steps, paths: Paths, architecture: Architecture | None, registry: VoiceRegistry, recordings: Sequence[Path]
) -> Generator[Check, None, Heard | None]:
    """Both ONNX networks on a recording that was given, or on that of a voice that is installed."""
    if architecture is None or not {"speaker_encoder", "speech_tokenizer"} <= paths.keys():
        yield skipped("listening", "its files or the configuration are missing")
        return None
    pcm = _made_up()
    with step("recording") as taken:
        installed = (registry.files(voice)["prompt"] for voice in common_voices(registry) if registry.installed(voice))
        recording = next(itertools.chain(recordings, installed), None)
        if recording is None:
            taken.skip("no common voice is installed and no --recording was given: a made-up sound has to do")
        else:
            pcm = read_prompt(recording)
            taken.found(f"{len(pcm) / SPEECH_RATE:.1f} s of speech out of {recording.name}", seconds=len(pcm) / SPEECH_RATE)
    yield taken.check
    flow = architecture.flow
    embedding = tokens = None
    with Frontend(
        paths["speaker_encoder"], paths["speech_tokenizer"], speaker_size=flow.speaker_size, vocabulary=flow.vocabulary
    ) as frontend:
        with step("speaker encoder") as taken:
            embedding = frontend.speaker(pcm)
            norm = float(embedding.norm())
            taken.found(f"{len(embedding)} numbers that say who speaks, of norm {norm:.2f}", size=len(embedding), norm=norm)
        yield taken.check
        with step("speech tokenizer") as taken:
            tokens = frontend.tokens(pcm)
            different = len(tokens.unique())
            taken.found(f"{len(tokens)} speech tokens, {different} different ones", tokens=len(tokens), different=different)
        yield taken.check
    return None if embedding is None or tokens is None else Heard(pcm=pcm, embedding=embedding, tokens=tokens)


def _made_up() -> torch.Tensor:
    """[n] at 16 kHz: a gliding tone with harmonics, a little like a voice."""
    time = torch.arange(MADE_UP * SPEECH_RATE) / SPEECH_RATE
    cycle = (140 + 60 * torch.sin(3 * time)).cumsum(0) / SPEECH_RATE
    return 0.1 * sum(torch.sin(2 * torch.pi * harmonic * cycle) / harmonic for harmonic in range(1, 20))
