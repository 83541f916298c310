"""Make flow.npz: a small random flow of the reference, and what each of its parts says.

    python tests/engines/viettts/golden/make_flow.py

It runs where the reference can be imported: viet-tts 0.1.0 with conformer 0.3.2, diffusers 0.42.1, einops, omegaconf 2.4.0, numpy and
torch 2.13. No test needs that; they read flow.npz. Everything random is drawn from one seed and injected. Weights and inputs are stored in
the 16 bits that they were rounded to first.
"""

from __future__ import annotations

import json
import warnings
from importlib.metadata import version
from pathlib import Path
from unittest import mock

import numpy as np
import torch

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its dependencies use what torch calls deprecated
    from omegaconf import DictConfig
    from viettts.flow.decoder import ConditionalDecoder
    from viettts.flow.flow import MaskedDiffWithXvec
    from viettts.flow.flow_matching import ConditionalCFM
    from viettts.flow.length_regulator import InterpolateRegulator
    from viettts.transformer.encoder import ConformerEncoder

SEED = 20240918
SIZES = {
    "vocabulary": 40,
    "speaker_size": 12,
    "token_size": 12,
    "mels": 6,
    "token_rate": 25,
    "encoder": {"input_size": 12, "size": 16, "heads": 2, "feed_forward": 20, "layers": 2},
    "regulator_layers": 4,
    "estimator": {"in_channels": 24, "out_channels": 6, "channels": [8, 16], "heads": 2, "head_size": 6, "blocks": 1, "mid_blocks": 2},
    "guidance": 0.7,
}
ROWS = (  # tokens, prompt's tokens, prompt's frames
    (47, 6, 20),  # three pieces; an odd number of frames
    (41, 3, 9),  # the middle piece is one token
    (40, 0, 0),  # one piece, no prompt
    (1, 9, 31),
)
TIME = 0.3  # of the one question to the estimator


def build(sizes: dict) -> torch.nn.Module:
    """The reference's flow of these sizes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _flow(sizes).eval()


def _flow(sizes: dict) -> torch.nn.Module:
    encoder, estimator = sizes["encoder"], sizes["estimator"]
    return MaskedDiffWithXvec(
        input_size=sizes["token_size"],
        output_size=sizes["mels"],
        spk_embed_dim=sizes["speaker_size"],
        vocab_size=sizes["vocabulary"],
        input_frame_rate=sizes["token_rate"],
        encoder=ConformerEncoder(
            input_size=encoder["input_size"],
            output_size=encoder["size"],
            attention_heads=encoder["heads"],
            linear_units=encoder["feed_forward"],
            num_blocks=encoder["layers"],
            input_layer="linear",
            pos_enc_layer_type="rel_pos_espnet",
            selfattention_layer_type="rel_selfattn",
            use_cnn_module=False,
            macaron_style=False,
        ),
        length_regulator=InterpolateRegulator(channels=sizes["mels"], sampling_ratios=[1] * sizes["regulator_layers"]),
        decoder=ConditionalCFM(
            in_channels=3 * sizes["mels"],
            n_spks=1,
            spk_emb_dim=sizes["mels"],
            cfm_params=DictConfig(
                {
                    "sigma_min": 1e-6,
                    "solver": "euler",
                    "t_scheduler": "cosine",
                    "training_cfg_rate": 0.2,
                    "inference_cfg_rate": sizes["guidance"],
                }
            ),
            estimator=ConditionalDecoder(
                in_channels=estimator["in_channels"],
                out_channels=estimator["out_channels"],
                channels=list(estimator["channels"]),
                dropout=0.0,
                attention_head_dim=estimator["head_size"],
                n_blocks=estimator["blocks"],
                num_mid_blocks=estimator["mid_blocks"],
                num_heads=estimator["heads"],
                act_fn="gelu",
            ),
        ),
    )


@torch.no_grad()
def fill(model: torch.nn.Module, draw: torch.Generator) -> None:
    """Random weights that keep what goes through them at about its size."""
    for name, parameter in model.named_parameters():
        values = torch.randn(parameter.shape, generator=draw)
        if parameter.dim() > 1:
            values /= parameter[0].numel() ** 0.5
        elif name.endswith("weight"):  # of a norm
            values = 1 + 0.2 * values
        else:
            values *= 0.2
        parameter.copy_(values.half())


@torch.inference_mode()
def say(
    model: torch.nn.Module, tokens: torch.Tensor, prompt: torch.Tensor, mel: torch.Tensor, embedding: torch.Tensor, noise: torch.Tensor
) -> dict:
    """What each part makes of one row: tokens [T], prompt [T], mel [F, M], embedding [S], noise [M, F]. Out, features come last."""
    frames = noise.shape[1]
    every = torch.cat([prompt, tokens])[None]
    encoded, _ = model.encoder(model.input_embedding(every), torch.tensor([every.shape[1]]))
    projected = model.encoder_proj(encoded)
    mu, _ = model.length_regulator.inference(
        projected[:, : len(prompt)], projected[:, len(prompt) :], len(mel), frames - len(mel), model.input_frame_rate
    )
    speaker = model.spk_embed_affine_layer(torch.nn.functional.normalize(embedding[None], dim=1))
    known = torch.zeros_like(mu)
    known[:, : len(mel)] = mel
    directions = [
        model.decoder.estimator(
            noise[None], torch.ones(1, 1, frames), (share * mu).mT, torch.tensor([TIME]), share * speaker, (share * known).mT
        ).mT
        for share in (1.0, 0.0)
    ]
    with mock.patch.object(torch, "randn_like", lambda like: noise.to(like).reshape(like.shape)):
        spoken = model.inference(
            tokens[None],
            torch.tensor([len(tokens)]),
            prompt[None],
            torch.tensor([len(prompt)]),
            mel[None],
            torch.tensor([len(mel)]),
            embedding[None],
        )
    return {
        "encoded": encoded[0],
        "mu": mu[0],
        "speaker": speaker[0],
        "directions": torch.cat(directions),
        "spoken": spoken[0].T,
    }


def main() -> None:
    draw = torch.Generator().manual_seed(SEED)
    model = build(SIZES)
    fill(model, draw)
    weights = model.state_dict()
    arrays = {"weights": torch.cat([tensor.flatten() for tensor in weights.values()]).half().numpy()}  # in one: names would weigh more
    for row, (tokens, prompt_tokens, prompt_frames) in enumerate(ROWS):
        frames = prompt_frames + int(tokens / SIZES["token_rate"] * 22050 / 256)
        inputs = {
            "tokens": torch.randint(SIZES["vocabulary"], (tokens,), generator=draw),
            "prompt": torch.randint(SIZES["vocabulary"], (prompt_tokens,), generator=draw),
            "mel": torch.randn(prompt_frames, SIZES["mels"], generator=draw).half().float(),
            "embedding": torch.randn(SIZES["speaker_size"], generator=draw).half().float(),
            "noise": torch.randn(SIZES["mels"], frames, generator=draw).half().float(),
        }
        arrays |= {
            f"{row}/{name}": (tensor.half() if tensor.is_floating_point() else tensor.short()).numpy() for name, tensor in inputs.items()
        }
        arrays |= {f"{row}/{name}": tensor.numpy() for name, tensor in say(model, **inputs).items()}
    stamp = {"seed": SEED, "viet-tts": version("viet-tts"), "torch": torch.__version__, "time": TIME, "sizes": SIZES}
    stamp["weights"] = {name: list(tensor.shape) for name, tensor in weights.items()}
    arrays["stamp"] = np.frombuffer(json.dumps(stamp).encode(), dtype=np.uint8)
    np.savez_compressed(Path(__file__).with_name("flow.npz"), **arrays)


if __name__ == "__main__":
    main()
