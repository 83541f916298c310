"""The ends of what an engine says."""

from __future__ import annotations

import torch

from worker.engines.edges import softened


def test_edges_are_soft_and_the_middle_is_untouched() -> None:
    samples = torch.ones(22050)
    said = softened(samples, 22050)
    assert said[0] == said[-1] == 0
    assert said.diff().abs().max() < 0.03  # no step
    assert torch.equal(said[66:-66], samples[66:-66])
    assert torch.equal(said, said.flip(0))
    assert torch.equal(samples, torch.ones(22050))
    assert len(softened(torch.ones(5), 22050)) == 5
