"""config.yaml, which comes with VietTTS's weights → the sizes of the model.

The file is written for HyperPyYAML, which makes Python objects of it: `!new:viettts.llm.llm.TransformerLM` calls that class. Here it is
data: a tag makes nothing, and `!ref <name>` stands for the value of a name at the top. Every field is one of three things: a size that is
read, something that the code takes for granted (CONSTANT, and what follows from other fields), or of no use for speaking (TRAINING).
A field that is none of them, lacks, or says what the code does not do, is an error; all of them are told at once.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from loa.errors import BrokenEngine
from worker.engines.viettts.architecture import (
    FULL,
    Architecture,
    EncoderShape,
    EstimatorShape,
    FlowShape,
    LanguageModelShape,
    VocoderShape,
)

ENCODER: Mapping[str, object] = {
    "normalize_before": True,
    "input_layer": "linear",
    "pos_enc_layer_type": "rel_pos_espnet",
    "selfattention_layer_type": "rel_selfattn",
    "use_cnn_module": False,
    "macaron_style": False,
}
CONSTANT: Mapping[str, object] = {
    **{f"llm.text_encoder.{name}": value for name, value in ENCODER.items()},
    "llm.text_encoder.use_dynamic_chunk": False,
    "llm.text_encoder.use_dynamic_left_chunk": False,
    "llm.text_encoder.static_chunk_size": 1,  # causal
    "llm.llm.input_layer": "linear_legacy",
    "llm.llm.pos_enc_layer_type": "rel_pos_espnet",
    "llm.llm.selfattention_layer_type": "rel_selfattn",
    "llm.llm.static_chunk_size": 1,
    **{f"flow.encoder.{name}": value for name, value in ENCODER.items()},
    "flow.output_type": "mel",
    "flow.decoder.n_spks": 1,
    "flow.decoder.cfm_params.content.solver": "euler",
    "flow.decoder.cfm_params.content.t_scheduler": "cosine",
    "flow.decoder.estimator.act_fn": "gelu",
    "hift.f0_predictor.num_class": 1,
}
TRAINING = (
    "__set_seed*",
    "*dropout*",
    "llm.length_normalized_loss",
    "llm.lsm_weight",
    "flow.only_mask_loss",
    "flow.decoder.cfm_params.content.sigma_min",
    "flow.decoder.cfm_params.content.training_cfg_rate",
    "flow.decoder.cfm_params.content.reg_loss_type",
)


def read_config(path: Path) -> Architecture:
    """Raises BrokenEngine, which names the file and everything in it that is not as it should be."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_PlainLoader)  # noqa: S506 - a SafeLoader, see below
    except OSError as error:
        raise BrokenEngine(f"{path} cannot be read: {error.strerror or error}", file=path.name) from error
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise BrokenEngine(f"{path} is no YAML file: {' '.join(str(error).split())}", file=path.name) from error
    if not isinstance(document, dict):
        raise BrokenEngine(f"{path} holds a {type(document).__name__}, not fields by name", file=path.name)
    config = _Config(document)
    architecture = _architecture(config)
    if problems := list(config.problems()):
        raise BrokenEngine(f"{path} does not describe a model that Loa can run: {'; '.join(problems)}", file=path.name)
    return architecture


def _architecture(config: _Config) -> Architecture:
    sample_rate, mels = config.count("sample_rate"), config.count("hift.in_channels")
    vocoder = VocoderShape(
        mels=mels,
        channels=config.count("hift.base_channels"),
        harmonics=config.count("hift.nb_harmonics"),
        sample_rate=sample_rate,
        alpha=config.number("hift.nsf_alpha"),
        sigma=config.number("hift.nsf_sigma"),
        voiced_threshold=config.number("hift.nsf_voiced_threshold"),
        upsample_rates=config.counts("hift.upsample_rates"),
        upsample_kernels=config.counts("hift.upsample_kernel_sizes"),
        fft=config.count("hift.istft_params.n_fft"),
        hop=config.count("hift.istft_params.hop_len"),
        kernels=config.counts("hift.resblock_kernel_sizes"),
        dilations=config.rows("hift.resblock_dilation_sizes"),
        source_kernels=config.counts("hift.source_resblock_kernel_sizes"),
        source_dilations=config.rows("hift.source_resblock_dilation_sizes"),
        slope=config.number("hift.lrelu_slope"),
        limit=config.number("hift.audio_limit"),
        predictor_channels=config.count("hift.f0_predictor.cond_channels"),
    )
    language_model = LanguageModelShape(
        text_vocabulary=config.count("llm.text_token_size"),
        speech_vocabulary=config.count("llm.speech_token_size"),
        speaker_size=config.count("spk_embed_dim"),
        text_size=config.count("text_encoder_input_size"),
        size=config.count("llm_input_size"),
        text_encoder=_encoder(config, "llm.text_encoder"),
        decoder=_encoder(config, "llm.llm"),
        top_p=config.number("llm.sampling.top_p"),
        top_k=config.count("llm.sampling.top_k"),
        window=config.count("llm.sampling.win_size"),
        tau=config.number("llm.sampling.tau_r"),
    )
    flow = FlowShape(
        vocabulary=language_model.speech_vocabulary,
        speaker_size=language_model.speaker_size,
        token_size=config.count("flow.input_size"),
        mels=mels,
        token_rate=config.count("flow.input_frame_rate"),
        encoder=_encoder(config, "flow.encoder"),
        regulator_layers=len(config.counts("flow.length_regulator.sampling_ratios")),
        estimator=EstimatorShape(
            in_channels=4 * mels,
            out_channels=mels,
            channels=config.counts("flow.decoder.estimator.channels"),
            heads=config.count("flow.decoder.estimator.num_heads"),
            head_size=config.count("flow.decoder.estimator.attention_head_dim"),
            blocks=config.count("flow.decoder.estimator.n_blocks"),
            mid_blocks=config.count("flow.decoder.estimator.num_mid_blocks"),
        ),
        steps=FULL.flow.steps,  # said by the reference's code, not by its configuration
        guidance=config.number("flow.decoder.cfm_params.content.inference_cfg_rate"),
        sample_rate=sample_rate,
        hop=vocoder.frame,
    )
    for name, value in {**CONSTANT, **_consequences(language_model, flow)}.items():
        config.must(name, value)
    return Architecture(sample_rate=sample_rate, language_model=language_model, flow=flow, vocoder=vocoder)


def _consequences(language_model: LanguageModelShape, flow: FlowShape) -> dict[str, object]:
    """What the file says a second time, and what follows from its other fields."""
    return {
        "llm_output_size": language_model.decoder.size,
        "llm.llm_output_size": language_model.decoder.size,
        "llm.llm_input_size": language_model.size,
        "llm.text_encoder_input_size": language_model.text_size,
        "llm.spk_embed_dim": language_model.speaker_size,
        "llm.text_encoder.input_size": language_model.text_size,
        "llm.llm.input_size": language_model.size,
        "flow.spk_embed_dim": flow.speaker_size,
        "flow.vocab_size": flow.vocabulary,
        "flow.output_size": flow.mels,
        "flow.encoder.input_size": flow.token_size,
        "flow.length_regulator.channels": flow.mels,
        "flow.length_regulator.sampling_ratios": [1] * flow.regulator_layers,
        "flow.decoder.in_channels": 3 * flow.mels,
        "flow.decoder.spk_emb_dim": flow.mels,
        "flow.decoder.estimator.in_channels": flow.estimator.in_channels,
        "flow.decoder.estimator.out_channels": flow.estimator.out_channels,
        "hift.sampling_rate": flow.sample_rate,
        "hift.f0_predictor.in_channels": flow.mels,
    }


def _encoder(config: _Config, name: str) -> EncoderShape:
    return EncoderShape(
        input_size=config.count(f"{name}.input_size"),
        size=config.count(f"{name}.output_size"),
        heads=config.count(f"{name}.attention_heads"),
        feed_forward=config.count(f"{name}.linear_units"),
        layers=config.count(f"{name}.num_blocks"),
    )


class _Config:
    """The file's fields by their dotted names, and what was found to be wrong with them."""

    def __init__(self, document: dict[Any, Any]) -> None:
        self._fields = dict(_leaves(document))
        self._asked: set[str] = set()
        self._wrong: dict[str, str] = {}  # by name, in the order of asking
        for name, value in self._fields.items():
            if isinstance(value, _Ref):
                self._fields[name] = document.get(value.name)
                if isinstance(self._fields[name], (dict, _Ref, type(None))):
                    self._wrong[name] = f"{name} refers to {value.name!r}, which has no value"

    def count(self, name: str) -> int:
        return self._take(name, _is_count(self._fields.get(name)), "a whole number of at least 1", 1)

    def number(self, name: str) -> float:
        return float(self._take(name, type(self._fields.get(name)) in (int, float), "a number", 1.0))

    def counts(self, name: str) -> tuple[int, ...]:
        return tuple(self._take(name, _are_counts(self._fields.get(name)), "a list of whole numbers", [1]))

    def rows(self, name: str) -> tuple[tuple[int, ...], ...]:
        value = self._fields.get(name)
        good = isinstance(value, list) and bool(value) and all(map(_are_counts, value))
        return tuple(map(tuple, self._take(name, good, "a list of lists of whole numbers", [[1]])))

    def must(self, name: str, value: object) -> None:
        """The code does nothing else."""
        found = self._fields.get(name)
        self._take(name, type(found) is type(value) and found == value, f"{value!r}", None)

    def _take(self, name: str, good: bool, wanted: str, instead: Any) -> Any:
        """The value or, once it is known to be wrong, something to go on with."""
        self._asked.add(name)
        if good:
            return self._fields[name]
        what = f"is {self._fields[name]!r}; it takes {wanted}" if name in self._fields else "is missing"
        self._wrong.setdefault(name, f"{name} {what}")
        return instead

    def problems(self) -> Iterator[str]:
        yield from self._wrong.values()
        for name in self._fields:
            if name not in self._asked and name not in self._wrong and not any(fnmatch.fnmatchcase(name, rule) for rule in TRAINING):
                yield f"{name} is not known"


class _Ref:
    """`!ref <name>`: the value of another field."""

    def __init__(self, text: str) -> None:
        self.name = text.strip().removeprefix("<").removesuffix(">")


class _PlainLoader(yaml.SafeLoader):
    """YAML whose tags make nothing."""


def _plain(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return _Ref(node.value) if tag == "ref" else node.value


_PlainLoader.add_multi_constructor("!", _plain)


def _leaves(document: dict[Any, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in document.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 1


def _are_counts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_count, value))
