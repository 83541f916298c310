"""The two networks that listen to a voice's recording: who speaks (CAM++), and what is said, as speech tokens (CosyVoice's S3 tokenizer).

They come as ONNX files and run on the CPU, once a voice: their results are kept with the voice. So their sessions are opened when they are
first needed, in a process that makes a voice, and closed when the voice is made; a process that finds all its voices ready opens none.
"""

from __future__ import annotations

import logging
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import onnxruntime
import torch
from onnxruntime.capi import onnxruntime_pybind11_state as onnx_errors

from loa.errors import BrokenEngine
from worker.engines.viettts.architecture import FULL
from worker.engines.viettts.features import SPEECH_RATE, fbank, log_mel_128

LONGEST = 30 * SPEECH_RATE  # samples: the tokenizer knows no later positions; what comes after is not heard
FRAMES_A_TOKEN = 4  # of the log-mel: 25 tokens a second
TOLERANCE = 2  # tokens: how the network rounds

Input = tuple[str, int]  # type and number of axes
EMBEDDING_INPUTS: tuple[Input, ...] = (("tensor(float)", 3),)
TOKENIZER_INPUTS: tuple[Input, ...] = (("tensor(float)", 3), ("tensor(int32)", 1))
FAILURES = (
    onnx_errors.Fail,
    onnx_errors.InvalidArgument,
    onnx_errors.InvalidGraph,
    onnx_errors.InvalidProtobuf,
    onnx_errors.NoModel,
    onnx_errors.NoSuchFile,
    onnx_errors.NotImplemented,
    onnx_errors.RuntimeException,
)

log = logging.getLogger(__name__)


class Frontend:
    """Opens a session when it is needed and keeps it until `close` (or the end of a `with`); after that, it opens anew.

    All methods raise BrokenEngine when a file is missing, damaged or another network than it should be.
    """

    def __init__(
        self,
        embedding: Path,
        tokenizer: Path,
        *,
        speaker_size: int = FULL.flow.speaker_size,
        vocabulary: int = FULL.flow.vocabulary,
    ) -> None:
        self.sessions_made = 0  # by this frontend, so far
        self._embedding, self._tokenizer = embedding, tokenizer
        self._speaker_size, self._vocabulary = speaker_size, vocabulary
        self._sessions: dict[Path, onnxruntime.InferenceSession] = {}

    def speaker(self, pcm: torch.Tensor) -> torch.Tensor:
        """[n] at 16 kHz → embedding of who speaks, float32 [speaker_size]."""
        embedding = self._run(self._embedding, EMBEDDING_INPUTS, fbank(pcm).numpy())
        if embedding.size != self._speaker_size or embedding.dtype != np.float32 or not np.isfinite(embedding).all():
            raise self._wrong(self._embedding, f"an embedding {embedding.dtype} {list(embedding.shape)}")
        return torch.from_numpy(embedding.reshape(-1).copy())

    def tokens(self, pcm: torch.Tensor) -> torch.Tensor:
        """[n] at 16 kHz → what is said in the first 30 s of it, int64 [about 25 a second]."""
        mel = log_mel_128(pcm[:LONGEST]).numpy()
        frames = mel.shape[2]
        tokens = self._run(self._tokenizer, TOKENIZER_INPUTS, mel, np.array([frames], dtype=np.int32))
        ids = tokens.reshape(-1)
        if ids.dtype.kind != "i" or abs(len(ids) - frames / FRAMES_A_TOKEN) > TOLERANCE:
            raise self._wrong(self._tokenizer, f"{len(ids)} tokens of {ids.dtype} for {frames} frames")
        if len(ids) and not 0 <= ids.min() <= ids.max() < self._vocabulary:
            raise self._wrong(self._tokenizer, f"tokens from {ids.min()} to {ids.max()}")
        return torch.from_numpy(ids.astype(np.int64))

    def close(self) -> None:
        """Give the networks' memory back: half a gigabyte."""
        self._sessions.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _run(self, path: Path, wanted: tuple[Input, ...], *values: np.ndarray) -> np.ndarray:
        """The network's first output for these inputs, both by position: exporters name them as they like."""
        session = self._sessions.get(path) or self._open(path, wanted)
        names = [one.name for one in session.get_inputs()]
        try:
            return session.run(None, dict(zip(names, values, strict=True)))[0]
        except FAILURES as error:
            raise self._wrong(path, f"no answer to sound ({error})") from error

    def _open(self, path: Path, wanted: tuple[Input, ...]) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        # One thread, so that sums are the same on every machine: a token that is nearly another one must not depend on the number of cores.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors
        try:
            size = path.stat().st_size
            session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except OSError as error:
            raise BrokenEngine(f"{path} cannot be read: {error.strerror or error}", file=path.name) from error
        except FAILURES as error:
            raise BrokenEngine(f"{path} is damaged or no ONNX file ({size:,} bytes)", file=path.name) from error
        inputs = session.get_inputs()
        if tuple((one.type, len(one.shape)) for one in inputs) != wanted:
            raise self._wrong(path, f"the inputs {', '.join(f'{one.type} {one.shape}' for one in inputs) or 'none'}")
        self._sessions[path] = session
        self.sessions_made += 1
        log.info("%s is open, to hear a voice", path.name)
        return session

    @staticmethod
    def _wrong(path: Path, what: str) -> BrokenEngine:
        return BrokenEngine(f"{path} is another network than it should be: it has {what}", file=path.name)
