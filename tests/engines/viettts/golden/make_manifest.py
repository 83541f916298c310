"""Writes manifest.json.gz: every key of the published checkpoints with the shape of its tensor, 1,813 in all.

    python tests/engines/viettts/golden/make_manifest.py

runs in an environment that has the reference, viet-tts 0.1.0 without its dependencies, and what it imports for these modules: torch 2.13.0,
omegaconf 2.4.0, conformer 0.3.2 and diffusers 0.42.1. The sizes are those of the config.yaml that is published with the checkpoints; the
reference's modules are built of shapes alone.
"""

from __future__ import annotations

import gzip
import json
from importlib import metadata
from pathlib import Path

import torch
from omegaconf import DictConfig
from viettts.flow.decoder import ConditionalDecoder
from viettts.flow.flow import MaskedDiffWithXvec
from viettts.flow.flow_matching import ConditionalCFM
from viettts.flow.length_regulator import InterpolateRegulator
from viettts.hifigan.f0_predictor import ConvRNNF0Predictor
from viettts.hifigan.generator import HiFTGenerator
from viettts.llm.llm import TransformerLM
from viettts.transformer.encoder import ConformerEncoder, TransformerEncoder

TARGET = Path(__file__).with_name("manifest.json.gz")
RELATIVE = {"pos_enc_layer_type": "rel_pos_espnet", "selfattention_layer_type": "rel_selfattn"}
PLAIN = {**RELATIVE, "input_layer": "linear", "use_cnn_module": False, "macaron_style": False}


def llm() -> torch.nn.Module:
    sizes = {"output_size": 1024, "attention_heads": 16, "linear_units": 4096}
    return TransformerLM(
        text_encoder_input_size=512,
        llm_input_size=1024,
        llm_output_size=1024,
        text_token_size=60515,
        speech_token_size=4096,
        spk_embed_dim=192,
        text_encoder=ConformerEncoder(input_size=512, num_blocks=6, static_chunk_size=1, **sizes, **PLAIN),
        llm=TransformerEncoder(input_size=1024, num_blocks=14, static_chunk_size=1, input_layer="linear_legacy", **sizes, **RELATIVE),
        sampling=None,
    )


def flow() -> torch.nn.Module:
    solving = DictConfig(
        {"sigma_min": 1e-6, "solver": "euler", "t_scheduler": "cosine", "training_cfg_rate": 0.2, "inference_cfg_rate": 0.7}
    )
    return MaskedDiffWithXvec(
        input_frame_rate=25,
        encoder=ConformerEncoder(input_size=512, output_size=512, attention_heads=8, linear_units=2048, num_blocks=6, **PLAIN),
        length_regulator=InterpolateRegulator(channels=80, sampling_ratios=[1, 1, 1, 1]),
        decoder=ConditionalCFM(
            in_channels=240,
            n_spks=1,
            spk_emb_dim=80,
            cfm_params=solving,
            estimator=ConditionalDecoder(
                in_channels=320,
                out_channels=80,
                channels=[256, 256],
                dropout=0.0,
                attention_head_dim=64,
                n_blocks=4,
                num_mid_blocks=12,
                num_heads=8,
                act_fn="gelu",
            ),
        ),
    )


def hift() -> torch.nn.Module:
    return HiFTGenerator(
        source_resblock_dilation_sizes=[[1, 3, 5], [1, 3, 5]],
        f0_predictor=ConvRNNF0Predictor(num_class=1, in_channels=80, cond_channels=512),
    )


def main() -> None:
    assert metadata.version("viet-tts") == "0.1.0"
    document = {}
    for build in (llm, flow, hift):
        with torch.device("meta"):
            module = build()
        document[f"{build.__name__}.pt"] = {key: list(tensor.shape) for key, tensor in module.state_dict().items()}
    text = json.dumps(document, separators=(",", ":")).encode()
    with TARGET.open("wb") as file, gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed:
        packed.write(text)


if __name__ == "__main__":
    main()
