"""Linear layers with float16 weights and float32 sums, for a CPU.

A step of the language model reads every weight once for each of its few rows, so on a CPU its time is that of reading them: half as many
bytes are half of the reading. Inputs, products and sums stay float32; what is lost is the rounding of the weights, to 11 significant bits,
that the reference, which computes in float16 throughout, begins with.

FBGEMM does it, which PyTorch brings for x86 with AVX2. Its product sums in the same order however many rows there are, so a row comes out
the same in any batch.

I channels in, O channels out.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import torch
from torch import nn

from worker.engines.viettts import huge_pages
from worker.engines.viettts.attention import RelativeAttention

LARGEST = torch.finfo(torch.float16).max  # 65504
MANY = 32_000_000  # weights, 64 MB: more than a CPU's caches hold, so that every step reads them out of memory


def supported() -> bool:
    """Whether this PyTorch can do it on this machine's CPU."""
    known = all(hasattr(torch.ops.quantized, name) for name in ("linear_prepack_fp16", "linear_dynamic_fp16"))
    return known and "fbgemm" in torch.backends.quantized.supported_engines


class HalfLinear(nn.Module):
    """[B, ..., I] → [B, ..., O], float32: the layer it is made of, its weights rounded to float16. Holds no tensors that could be moved.

    Raises OverflowError for a weight that float16 cannot hold: FBGEMM would take the largest number that it can.
    """

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        largest = layer.weight.detach().abs().max().item()
        if largest > LARGEST:
            raise OverflowError(f"a weight of {largest:g} is beyond float16, which ends at {LARGEST:g}")
        self._packed = torch.ops.quantized.linear_prepack_fp16(layer.weight.detach(), None if layer.bias is None else layer.bias.detach())
        self._product = torch.ops.quantized.linear_dynamic_fp16.default

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self._product(x, self._packed)

    def _apply(self, *_args: object, **_kwargs: object) -> HalfLinear:
        """Module.to, .half and the like, which would leave it behind."""
        raise TypeError("a layer with packed float16 weights stays on its CPU and in its precision")


def pack(model: nn.Module) -> None:
    """Put a HalfLinear in the place of every linear layer of a model, which is in float32 on the CPU, and let go of what it was made of.

    Raises OverflowError, after which the model is of no more use.
    """
    for module in model.modules():
        if isinstance(module, RelativeAttention):
            module.join()

    def exchange(place: tuple[nn.Module, str]) -> None:
        owner, name = place
        setattr(owner, name, HalfLinear(getattr(owner, name)))

    weights = sum(layer.weight.numel() for layer in model.modules() if isinstance(layer, nn.Linear))
    places = [(owner, name) for owner in model.modules() for name, layer in owner.named_children() if isinstance(layer, nn.Linear)]
    # FBGEMM packs on one thread, some seconds for a whole model, and lets Python go on meanwhile.
    with ThreadPoolExecutor(torch.get_num_threads()) as threads:
        for _ in threads.map(exchange, places):
            pass
    if weights >= MANY:
        huge_pages.collapse()
