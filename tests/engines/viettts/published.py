"""Files such as VietTTS is published in, for a model of any sizes with random weights: config.yaml, llm.pt, flow.pt, hift.pt."""

from __future__ import annotations

import math
from pathlib import Path

import torch

from worker.engines.viettts.architecture import (
    Architecture,
    EncoderShape,
    EstimatorShape,
    FlowShape,
    LanguageModelShape,
    VocoderShape,
)
from worker.engines.viettts.weights import file_shapes

TINY = Architecture(
    sample_rate=22050,
    language_model=LanguageModelShape(
        text_vocabulary=60515,  # the tokenizer's ids reach far
        speech_vocabulary=48,
        speaker_size=192,
        text_size=8,
        size=16,
        text_encoder=EncoderShape(input_size=8, size=12, heads=2, feed_forward=20, layers=2),
        decoder=EncoderShape(input_size=16, size=16, heads=2, feed_forward=24, layers=2),
        top_p=0.8,
        top_k=25,
        window=10,
        tau=0.1,
    ),
    flow=FlowShape(
        vocabulary=48,
        speaker_size=192,
        token_size=12,
        mels=80,
        token_rate=25,
        encoder=EncoderShape(input_size=12, size=16, heads=2, feed_forward=24, layers=2),
        regulator_layers=2,
        estimator=EstimatorShape(in_channels=320, out_channels=80, channels=(32, 32), heads=2, head_size=8, blocks=1, mid_blocks=1),
    ),
    vocoder=VocoderShape(
        mels=80,
        channels=16,
        harmonics=8,
        sample_rate=22050,
        alpha=0.1,
        sigma=0.003,
        voiced_threshold=10,
        upsample_rates=(8, 8),
        upsample_kernels=(16, 16),
        fft=16,
        hop=4,
        kernels=(3, 7),
        dilations=((1, 3), (1, 5)),
        source_kernels=(7, 11),
        source_dilations=((1, 3), (1, 3)),
        slope=0.1,
        limit=0.99,
        predictor_channels=16,
    ),
)


def write(folder: Path, architecture: Architecture = TINY, seed: int = 0) -> None:
    """Write the four files."""
    (folder / "config.yaml").write_text(config(architecture), encoding="utf-8")
    for name, shapes in file_shapes(architecture).items():
        torch.save(weights(shapes, seed), folder / name)


def weights(shapes: dict[str, tuple[int, ...]], seed: int = 0) -> dict[str, torch.Tensor]:
    """Random weights that keep what goes through them at about its size."""
    generator = torch.Generator().manual_seed(seed)
    return {key: _drawn(key, shape, generator) for key, shape in shapes.items()}


def _drawn(key: str, shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    drawn = torch.randn(shape, generator=generator)
    if key.endswith("weight_g"):
        return 0.5 + drawn.abs() * 0.1
    if key.endswith("weight") and len(shape) == 1:  # of a norm
        return 1 + drawn * 0.1
    if len(shape) > 1:
        return drawn / math.sqrt(math.prod(shape[1:]))
    return drawn * 0.1


def config(architecture: Architecture) -> str:
    """The configuration of such a model, as HyperPyYAML would read it."""
    lm, flow, vocoder = architecture.language_model, architecture.flow, architecture.vocoder
    return f"""\
__set_seed1: !apply:random.seed [1986]
__set_seed2: !apply:torch.manual_seed [1986]

sample_rate: {architecture.sample_rate}
text_encoder_input_size: {lm.text_size}
llm_input_size: {lm.size}
llm_output_size: {lm.decoder.size}
spk_embed_dim: {lm.speaker_size}

llm: !new:viettts.llm.llm.TransformerLM
  text_encoder_input_size: !ref <text_encoder_input_size>
  llm_input_size: !ref <llm_input_size>
  llm_output_size: !ref <llm_output_size>
  text_token_size: {lm.text_vocabulary}
  speech_token_size: {lm.speech_vocabulary}
  length_normalized_loss: true
  lsm_weight: 0
  spk_embed_dim: !ref <spk_embed_dim>
  text_encoder: !new:viettts.transformer.encoder.ConformerEncoder
    input_size: !ref <text_encoder_input_size>
    {_encoder(lm.text_encoder)}
    {CONFORMER}
    use_dynamic_chunk: false
    use_dynamic_left_chunk: false
    static_chunk_size: 1
  llm: !new:viettts.transformer.encoder.TransformerEncoder
    input_size: !ref <llm_input_size>
    {_encoder(lm.decoder)}
    input_layer: linear_legacy
    pos_enc_layer_type: rel_pos_espnet
    selfattention_layer_type: rel_selfattn
    static_chunk_size: 1
  sampling: !name:viettts.utils.common.ras_sampling
    top_p: {lm.top_p}
    top_k: {lm.top_k}
    win_size: {lm.window}
    tau_r: {lm.tau}

flow: !new:viettts.flow.flow.MaskedDiffWithXvec
  input_size: {flow.token_size}
  output_size: {flow.mels}
  spk_embed_dim: !ref <spk_embed_dim>
  output_type: mel
  vocab_size: {flow.vocabulary}
  input_frame_rate: {flow.token_rate}
  only_mask_loss: true
  encoder: !new:viettts.transformer.encoder.ConformerEncoder
    input_size: {flow.encoder.input_size}
    {_encoder(flow.encoder)}
    {CONFORMER}
  length_regulator: !new:viettts.flow.length_regulator.InterpolateRegulator
    channels: {flow.mels}
    sampling_ratios: {[1] * flow.regulator_layers}
  decoder: !new:viettts.flow.flow_matching.ConditionalCFM
    in_channels: {3 * flow.mels}
    n_spks: 1
    spk_emb_dim: {flow.mels}
    cfm_params: !new:omegaconf.DictConfig
      content: {{sigma_min: 1e-06, solver: euler, t_scheduler: cosine, training_cfg_rate: 0.2, inference_cfg_rate: {flow.guidance},
                reg_loss_type: l1}}
    estimator: !new:viettts.flow.decoder.ConditionalDecoder
      in_channels: {flow.estimator.in_channels}
      out_channels: {flow.estimator.out_channels}
      channels: {list(flow.estimator.channels)}
      dropout: 0.0
      attention_head_dim: {flow.estimator.head_size}
      n_blocks: {flow.estimator.blocks}
      num_mid_blocks: {flow.estimator.mid_blocks}
      num_heads: {flow.estimator.heads}
      act_fn: gelu

hift: !new:viettts.hifigan.generator.HiFTGenerator
  in_channels: {vocoder.mels}
  base_channels: {vocoder.channels}
  nb_harmonics: {vocoder.harmonics}
  sampling_rate: !ref <sample_rate>
  nsf_alpha: {vocoder.alpha}
  nsf_sigma: {vocoder.sigma}
  nsf_voiced_threshold: {vocoder.voiced_threshold}
  upsample_rates: {list(vocoder.upsample_rates)}
  upsample_kernel_sizes: {list(vocoder.upsample_kernels)}
  istft_params: {{n_fft: {vocoder.fft}, hop_len: {vocoder.hop}}}
  resblock_kernel_sizes: {list(vocoder.kernels)}
  resblock_dilation_sizes: {[list(row) for row in vocoder.dilations]}
  source_resblock_kernel_sizes: {list(vocoder.source_kernels)}
  source_resblock_dilation_sizes: {[list(row) for row in vocoder.source_dilations]}
  lrelu_slope: {vocoder.slope}
  audio_limit: {vocoder.limit}
  f0_predictor: !new:viettts.hifigan.f0_predictor.ConvRNNF0Predictor
    num_class: 1
    in_channels: {vocoder.mels}
    cond_channels: {vocoder.predictor_channels}
"""


CONFORMER = """\
normalize_before: true
    input_layer: linear
    pos_enc_layer_type: rel_pos_espnet
    selfattention_layer_type: rel_selfattn
    use_cnn_module: false
    macaron_style: false"""


def _encoder(shape: EncoderShape) -> str:
    return f"""\
output_size: {shape.size}
    attention_heads: {shape.heads}
    linear_units: {shape.feed_forward}
    num_blocks: {shape.layers}
    dropout_rate: 0.1
    positional_dropout_rate: 0.1
    attention_dropout_rate: 0.0"""
