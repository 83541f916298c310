"""Make language_model.npz: a small random language model of the reference, its logits, and how it draws tokens.

    python tests/engines/viettts/golden/make_language_model.py

It runs some minutes where the reference can be imported: viet-tts 0.1.0 with conformer 0.3.2, diffusers 0.42.1, einops, omegaconf 2.4.0,
numpy and torch 2.13. No test needs that; they read language_model.npz. Everything random is drawn from one seed. Weights and inputs are
stored in the 16 bits that they were rounded to first.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from viettts.llm.llm import TransformerLM
from viettts.transformer.encoder import ConformerEncoder, TransformerEncoder
from viettts.utils.common import nucleus_sampling, ras_sampling

SEED = 20240919
SIZES = {
    "text_vocabulary": 48,
    "speech_vocabulary": 40,
    "speaker_size": 12,
    "text_size": 24,
    "size": 32,
    "text_encoder": {"input_size": 24, "size": 32, "heads": 2, "feed_forward": 40, "layers": 2},
    "decoder": {"input_size": 32, "size": 32, "heads": 4, "feed_forward": 40, "layers": 2},
    "top_p": 0.8,
    "top_k": 25,
    "window": 10,
    "tau": 0.1,
}
END = SIZES["speech_vocabulary"]
ROWS = ((9, 200), (1, 12), (23, 30), (4, 21))  # text ids, tokens
NUCLEI = 60  # how many times the candidates are asked for
DRAWS = 100_000
CASES = {  # how sharp the logits are, what the end's logit is, how many tokens came before, and whether the end is barred
    "at the start": (1.5, 0.0, 0, True),
    "young": (1.5, 0.0, 3, False),
    "flat": (0.2, 0.0, 30, False),  # 25 candidates are less than 0.8
    "sharp": (3.5, 0.0, 30, False),  # 1 candidate would do
    "likely end": (1.5, 4.5, 30, False),
    "likely end, barred": (1.5, 4.5, 30, True),
    "flat, end barred": (0.2, 0.6, 30, True),  # in the nucleus or not, it has a share of the second draw
}


def build(sizes: dict) -> TransformerLM:
    """The reference's language model of these sizes."""
    encoder, decoder = sizes["text_encoder"], sizes["decoder"]
    common = {"pos_enc_layer_type": "rel_pos_espnet", "selfattention_layer_type": "rel_selfattn", "static_chunk_size": 1}
    return TransformerLM(
        text_encoder_input_size=sizes["text_size"],
        llm_input_size=sizes["size"],
        llm_output_size=decoder["size"],
        text_token_size=sizes["text_vocabulary"],
        speech_token_size=sizes["speech_vocabulary"],
        text_encoder=ConformerEncoder(
            input_size=encoder["input_size"],
            output_size=encoder["size"],
            attention_heads=encoder["heads"],
            linear_units=encoder["feed_forward"],
            num_blocks=encoder["layers"],
            input_layer="linear",
            use_cnn_module=False,
            macaron_style=False,
            **common,
        ),
        llm=TransformerEncoder(
            input_size=decoder["input_size"],
            output_size=decoder["size"],
            attention_heads=decoder["heads"],
            linear_units=decoder["feed_forward"],
            num_blocks=decoder["layers"],
            input_layer="linear_legacy",
            **common,
        ),
        sampling=functools.partial(ras_sampling, top_p=sizes["top_p"], top_k=sizes["top_k"], win_size=sizes["window"], tau_r=sizes["tau"]),
        spk_embed_dim=sizes["speaker_size"],
    ).eval()


@torch.no_grad()
def fill(model: torch.nn.Module, draw: torch.Generator) -> None:
    """Random weights that keep what goes through them at about its size."""
    for name, parameter in model.named_parameters():
        values = torch.randn(parameter.shape, generator=draw)
        if "embedding.weight" in name:
            pass
        elif parameter.dim() > 1:
            values /= parameter[0].numel() ** 0.5
        elif name.endswith("weight"):  # of a norm
            values = 1 + 0.2 * values
        else:
            values *= 0.2
        parameter.copy_(values.half())


@torch.inference_mode()
def say(model: TransformerLM, text: torch.Tensor, embedding: torch.Tensor, choose: Callable[[int, torch.Tensor], int], count: int) -> dict:
    """Let the model say `count` tokens, of which `choose` says each, given its number and its logits: → tokens [N], logits [N, V]."""
    logits: list[torch.Tensor] = []
    tokens: list[int] = []

    def sample(_: torch.Tensor, decoded: list[int], __: int) -> torch.Tensor:
        tokens.append(choose(len(decoded), logits[-1]))
        return torch.tensor([tokens[-1]])

    hook = model.llm_decoder.register_forward_hook(lambda _, __, output: logits.append(output[0]))
    nothing = torch.zeros(1, 0, dtype=torch.long)
    with mock.patch.object(model, "sampling", sample):
        said = model.inference(
            text[None],
            torch.tensor([len(text)]),
            nothing,
            torch.tensor([0]),
            nothing,
            torch.tensor([0]),
            embedding[None],
            max_token_text_ratio=(count + 0.5) / len(text),
            min_token_text_ratio=(count + 0.5) / len(text),
        )
        assert list(said) == tokens
    hook.remove()
    return {"tokens": torch.tensor(tokens), "logits": torch.stack(logits)}


def likeliest(_: int, logits: torch.Tensor) -> int:
    """The likeliest token that is not the end."""
    return int(logits[:-1].argmax())


@torch.inference_mode()
def row_of(model: TransformerLM, text: torch.Tensor, embedding: torch.Tensor, tokens: torch.Tensor) -> dict[str, torch.Tensor]:
    """What the reference makes of one row: text [T], embedding [S], tokens [N] that it is made to say."""
    encoded, _ = model.encode(model.text_embedding(text[None]), torch.tensor([len(text)]))
    speaker = model.spk_embed_affine_layer(torch.nn.functional.normalize(embedding[None], dim=1))
    return {
        "encoded": encoded[0],
        "speaker": speaker[0],
        "logits": say(model, text, embedding, lambda number, _: int(tokens[number]), len(tokens))["logits"],
        "likeliest": say(model, text, embedding, likeliest, len(tokens))["tokens"],
    }


def nucleus_of(logits: torch.Tensor, sizes: dict) -> tuple[torch.Tensor, torch.Tensor]:
    """The candidates of the reference's sampler in its order [K], and the probabilities that it draws them with [K]."""
    kept: list[torch.Tensor] = []

    def every(weights: torch.Tensor, *_: object, **__: object) -> torch.Tensor:
        kept.append(weights / weights.sum())
        return torch.arange(len(weights))

    with mock.patch.object(torch.Tensor, "multinomial", every):
        ids = nucleus_sampling(logits.log_softmax(dim=0), top_p=sizes["top_p"], top_k=sizes["top_k"])
    return ids, kept[0]


def main() -> None:
    draw = torch.Generator().manual_seed(SEED)
    model = build(SIZES)
    fill(model, draw)
    weights = model.state_dict()
    arrays = {"weights": torch.cat([tensor.flatten() for tensor in weights.values()]).half().numpy()}  # in one: names would weigh more
    for row, (length, count) in enumerate(ROWS):
        inputs = {
            "text": torch.randint(SIZES["text_vocabulary"], (length,), generator=draw),
            "embedding": torch.randn(SIZES["speaker_size"], generator=draw).half().float(),
            "tokens": torch.randint(END, (count,), generator=draw),
        }
        outputs = row_of(model, **inputs)
        for name, tensor in (inputs | outputs).items():
            small = tensor.half() if name == "embedding" else tensor if tensor.is_floating_point() else tensor.short()
            arrays[f"row/{row}/{name}"] = small.numpy()
    nuclei: dict[str, list[torch.Tensor]] = {"logits": [], "ids": [], "probabilities": []}
    for number in range(NUCLEI):
        logits = (torch.randn(END + 1, generator=draw) * 0.1 * 1.1**number).half()  # from flat to sharp: 0.1 ... 27
        if number % 3 == 0:
            logits = (logits * 4).round() / 4  # full of ties
        ids, probabilities = nucleus_of(logits.float(), SIZES)
        spare = (0, SIZES["top_k"] - len(ids))  # all as long as the longest: an array of each would weigh more by its name
        nuclei["logits"].append(logits)
        nuclei["ids"].append(torch.nn.functional.pad(ids, spare, value=-1).short())
        nuclei["probabilities"].append(torch.nn.functional.pad(probabilities, spare))
    arrays |= {f"nuclei/{name}": torch.stack(tensors).numpy() for name, tensors in nuclei.items()}
    for case, (sharpness, end, age, barred) in CASES.items():
        logits = torch.randn(END + 1, generator=draw) * sharpness
        logits[END] += end
        logits = logits.half()
        # What came before: most of it by chance, and the two likeliest tokens, one of them twice.
        before = torch.randint(END, (age,), generator=draw)
        before[-min(age, 9) :: 4] = logits[:-1].argmax()
        before[-2:-1] = logits[:-1].topk(2).indices[1]
        torch.manual_seed(SEED)  # the reference draws from the global generator
        drawn = [model.sampling_ids(logits.float(), before.tolist(), 25, ignore_eos=barred).item() for _ in range(DRAWS)]
        arrays |= {f"case/{case}/logits": logits.numpy(), f"case/{case}/before": before.short().numpy()}
        arrays |= {f"case/{case}/barred": np.array(barred), f"case/{case}/counts": np.bincount(drawn, minlength=END + 1).astype(np.int32)}
    stamp = {"seed": SEED, "viet-tts": version("viet-tts"), "torch": torch.__version__, "sizes": SIZES}
    stamp["weights"] = {name: list(tensor.shape) for name, tensor in weights.items()}
    arrays["stamp"] = np.frombuffer(json.dumps(stamp).encode(), dtype=np.uint8)
    np.savez_compressed(Path(__file__).with_name("language_model.npz"), **arrays)


if __name__ == "__main__":
    main()
