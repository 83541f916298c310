"""Repetition-aware sampling: one uniform number draws what the reference's loops draw."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch.nn import functional

from tests.engines.viettts import language_models
from worker.engines.viettts.architecture import FULL, LanguageModelShape
from worker.engines.viettts.sampling import NONE, candidates, draw, weights

GOLDEN = language_models.read()
SHAPE = GOLDEN.shape
END = SHAPE.speech_vocabulary
DRAWS = 100_000
LARGEST = 1 - 2**-24  # of torch.rand

by_case = pytest.mark.parametrize("case", GOLDEN.cases.values(), ids=GOLDEN.cases)


def recent_of(before: torch.Tensor, shape: LanguageModelShape = SHAPE) -> torch.Tensor:
    """Tokens said before [N] → [1, W]."""
    return functional.pad(before, (shape.window, 0), value=NONE)[None, -shape.window :]


def law(logits: torch.Tensor, before: torch.Tensor, barred: bool, shape: LanguageModelShape = SHAPE) -> torch.Tensor:
    """The probability of each token [V]."""
    ids, first, second = weights(logits[None], recent_of(before, shape), torch.tensor([barred]), shape)
    sums = second.double().index_add(1, ids[0], first.double())[0]
    return sums / sums.sum()


def drawn(
    logits: torch.Tensor, before: torch.Tensor, barred: bool, uniform: torch.Tensor, shape: LanguageModelShape = SHAPE
) -> torch.Tensor:
    """One draw for each of the numbers, as rows of one batch."""
    rows = len(uniform)
    return draw(logits.expand(rows, -1), recent_of(before, shape).expand(rows, -1), torch.full((rows,), barred), uniform, shape)


def by_hand(logits: torch.Tensor, before: torch.Tensor, barred: bool, shape: LanguageModelShape) -> torch.Tensor:
    """The law again, from what the two draws are: [V], in float64."""
    probability = logits.double().softmax(dim=0)
    ranked = sorted(range(len(logits)), key=lambda token: (-probability[token].item(), token))
    nucleus = torch.zeros_like(probability)
    for rank, token in enumerate(ranked[: shape.top_k]):
        if rank >= 2 and nucleus.sum() >= shape.top_p:
            break
        nucleus[token] = probability[token]
    nucleus /= nucleus.sum()
    lately = before[-shape.window :].tolist()
    total = torch.zeros_like(probability)
    for token, share in enumerate(nucleus):
        if share > 0 and lately.count(token) >= shape.window * shape.tau:
            total += share * probability
        else:
            total[token] += share
    if barred:
        total[-1] = 0
    return total / total.sum()


def p_value(counts: torch.Tensor, expected: torch.Tensor) -> float:
    """Pearson's chi-square of counts against probabilities or other counts, rare tokens taken together."""
    counts, expected = counts.double(), expected.double()
    two_samples = expected.sum() > 1.5
    expected = expected / expected.sum() * counts.sum()
    rare = expected < 10
    counts = torch.cat([counts[~rare], counts[rare].sum()[None]])
    expected = torch.cat([expected[~rare], expected[rare].sum()[None]])
    counts, expected = counts[expected > 0], expected[expected > 0]
    variance = counts + expected if two_samples else expected  # both are counts of as many draws
    statistic = ((counts - expected).square() / variance).sum()
    return torch.special.gammaincc(torch.tensor((len(counts) - 1) / 2, dtype=torch.float64), statistic / 2).item()


# --- beside the reference ----------------------------------------------------------------------------------------------


def test_the_candidates_are_those_of_the_reference() -> None:
    ids, probabilities = candidates(GOLDEN.nuclei.logits.softmax(dim=1), SHAPE)
    inside = GOLDEN.nuclei.ids >= 0
    assert torch.equal(ids[inside], GOLDEN.nuclei.ids[inside])  # in the same order, so equal ones too
    assert (probabilities[inside] - GOLDEN.nuclei.probabilities[inside]).abs().max() <= 1e-6
    assert (probabilities[~inside] == 0).all()
    assert (probabilities[inside] > 0).all()
    sizes = set(inside.sum(dim=1).tolist())
    assert {2, SHAPE.top_k} < sizes
    assert len(sizes) > 8


@by_case
def test_a_hundred_thousand_draws_are_distributed_as_the_references(case: language_models.Case) -> None:
    uniform = torch.rand(DRAWS, generator=torch.Generator().manual_seed(3))
    barred = bool(case.barred)
    tokens = drawn(case.logits, case.before, barred, uniform)
    counts = tokens.bincount(minlength=END + 1)
    assert case.counts.sum() == DRAWS
    assert ((counts == 0) | (case.counts < 20) | (counts > 0)).all()
    assert p_value(counts, case.counts) > 0.01
    expected = law(case.logits, case.before, barred)
    assert p_value(case.counts, expected) > 0.01
    assert p_value(counts, expected) > 0.01
    assert (case.counts[expected == 0] == 0).all()  # what cannot come never came


def test_the_cases_show_what_they_are_for() -> None:
    """Each law differs from one without the rule at hand by more than the draws could hide."""
    cases = GOLDEN.cases
    assert cases["likely end, barred"].counts[END] == cases["flat, end barred"].counts[END] == 0
    assert cases["likely end"].counts[END] > DRAWS / 5
    for name in ("young", "flat", "sharp", "likely end, barred"):
        case = cases[name]
        forgetful = law(case.logits, case.before[:0], bool(case.barred))
        assert p_value(case.counts, forgetful) < 1e-9
    case = cases["flat, end barred"]  # as if the end had been masked before the candidates were chosen
    masked = case.logits.clone()
    masked[END] = -torch.inf
    assert p_value(case.counts, law(masked, case.before, barred=True)) < 1e-9


# --- the law -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tau", [0.1, 0.25])
def test_the_law_is_that_of_the_two_draws(tau: float) -> None:
    """At the public model's sizes, for flat and sharp logits."""
    shape = dataclasses.replace(FULL.language_model, tau=tau)
    random = torch.Generator().manual_seed(4)
    for number in range(40):
        logits = torch.randn(shape.speech_vocabulary + 1, generator=random) * (0.3 * 1.1**number)
        likely = logits[:-1].topk(6).indices
        before = torch.cat([likely[:1].repeat(number % 4), likely[torch.randint(6, (number % 13,), generator=random)]])
        logits[-1] = logits.max() - number % 3
        expected = by_hand(logits, before, number % 2 == 0, shape)
        assert (law(logits, before, number % 2 == 0, shape) - expected).abs().max() <= 1e-6


def test_a_token_repeats_when_it_makes_up_its_share_of_the_window() -> None:
    shape = dataclasses.replace(SHAPE, tau=0.25)  # of 10 tokens: from 3 on
    logits = torch.linspace(0, -20, END + 1)
    once_or_twice, thrice = torch.tensor([0, 5, 0]), torch.tensor([0, 5, 0, 0])
    assert torch.equal(law(logits, once_or_twice, False, shape), law(logits, torch.tensor([5]), False, shape))
    assert law(logits, thrice, False, shape)[0] < law(logits, once_or_twice, False, shape)[0]
    long_ago = torch.cat([thrice, torch.arange(20, 20 + shape.window)])
    assert torch.equal(law(logits, long_ago, False, shape), law(logits, torch.tensor([5]), False, shape))


def test_the_whole_range_of_numbers_draws_what_may_come() -> None:
    for case in GOLDEN.cases.values():
        expected = law(case.logits, case.before, bool(case.barred))
        tokens = drawn(case.logits, case.before, bool(case.barred), torch.tensor([0.0, 2**-24, 0.5, LARGEST]))
        assert (expected[tokens] > 0).all()


def test_rows_do_not_know_of_each_other() -> None:
    random = torch.Generator().manual_seed(5)
    rows = 32
    logits = torch.randn(rows, END + 1, generator=random) * 2
    recent = torch.randint(-1, END, (rows, SHAPE.window), generator=random)
    barred = torch.rand(rows, generator=random) < 0.5
    uniform = torch.rand(rows, generator=random)
    together = draw(logits, recent, barred, uniform, SHAPE)
    alone = [draw(logits[row, None], recent[row, None], barred[row, None], uniform[row, None], SHAPE) for row in range(rows)]
    assert torch.equal(together, torch.cat(alone))


def test_float16_logits_are_drawn_from_in_float32() -> None:
    case = GOLDEN.cases["young"]  # whose logits were rounded to float16
    uniform = torch.rand(1000, generator=torch.Generator().manual_seed(6))
    assert torch.equal(drawn(case.logits.half(), case.before, False, uniform), drawn(case.logits, case.before, False, uniform))


# --- the edges ---------------------------------------------------------------------------------------------------------


def test_a_certain_end_that_is_barred_gives_way_to_the_runner_up() -> None:
    """The reference would draw for ever."""
    logits = torch.full((END + 1,), -1000.0)
    logits[END], logits[7] = 0, -900
    uniform = torch.tensor([0.0, 0.5, LARGEST])
    assert drawn(logits, torch.tensor([7]), True, uniform).tolist() == [7, 7, 7]
    assert drawn(logits, torch.tensor([7]), False, uniform).tolist() == [END] * 3


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_what_is_not_a_number_is_said_so(bad: float) -> None:
    logits = torch.zeros(2, END + 1)
    logits[1, 3] = bad
    tokens = draw(logits, torch.full((2, SHAPE.window), NONE), torch.tensor([False, False]), torch.tensor([0.5, 0.5]), SHAPE)
    assert tokens[0] >= 0
    assert tokens[1] == NONE


def test_one_candidate_is_drawn_for_every_number() -> None:
    shape = dataclasses.replace(SHAPE, top_k=1)
    logits = torch.linspace(0, -5, END + 1)
    assert drawn(logits, torch.tensor([3]), False, torch.tensor([0.0, LARGEST]), shape).tolist() == [0, 0]
