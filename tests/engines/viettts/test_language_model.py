"""The language model: equal to the reference step by step, and the same for a row whatever batch it is in."""

from __future__ import annotations

from collections.abc import Callable
from unittest import mock

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from loa.errors import SynthesisFailed
from tests.engines.viettts import language_models
from worker.engines.viettts.architecture import FULL
from worker.engines.viettts.language_model import CPU, CUDA, LEAST, MOST, Batch, LanguageModel, Pace, Row
from worker.engines.viettts.transformer import Cache

GOLDEN = language_models.read()
SHAPE = GOLDEN.shape
END = SHAPE.speech_vocabulary
by_length = pytest.mark.parametrize("row", GOLDEN.rows, ids=lambda row: f"{len(row.text)}+{len(row.tokens)}")


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return language_models.build(SHAPE, GOLDEN.checkpoint)


@pytest.fixture(scope="module")
def eight() -> list[language_models.Row]:
    """Texts of different lengths, two of them of one."""
    draw = torch.Generator().manual_seed(5)
    return [language_models.random_row(SHAPE, length, 30, draw) for length in (9, 2, 14, 1, 6, 6, 21, 11)]


# --- beside the reference ----------------------------------------------------------------------------------------------


@by_length
def test_text_and_speaker_equal_the_reference(row: language_models.Said, model: LanguageModel) -> None:
    encoded = model.encode([row.text])[0]
    assert encoded.shape == row.encoded.shape
    assert encoded.std() > 0.3
    assert (encoded - row.encoded).abs().max() <= 1e-5
    assert (model.speaker(row.embedding[None])[0] - row.speaker).abs().max() <= 1e-6


@by_length
def test_logits_equal_the_reference(row: language_models.Said, model: LanguageModel) -> None:
    """When it is made to say the same tokens, 200 of them in one row: the cache grows three times."""
    count = len(row.tokens)
    logits = language_models.made_to_say(model, [row], count)[0]
    assert logits.shape == (count, END + 1)
    assert (logits - row.logits).abs().max() <= 1e-5
    assert torch.equal(logits.argmax(dim=1), row.logits.argmax(dim=1))


@by_length
def test_the_likeliest_tokens_equal_the_reference(row: language_models.Said, model: LanguageModel) -> None:
    """When each token that it says is the next one's past."""
    assert torch.equal(language_models.likeliest(model, row, len(row.likeliest)), row.likeliest)


def test_the_reference_rows_are_worth_comparing_with() -> None:
    assert max(len(row.tokens) for row in GOLDEN.rows) == 200
    for row in GOLDEN.rows:
        assert row.logits.std() > 0.3
        assert len(row.logits.argmax(dim=1).unique()) > 3
        assert len(row.likeliest.unique()) > 3


def test_the_public_model_has_the_keys_of_its_checkpoint() -> None:
    with torch.device("meta"):
        state = LanguageModel(FULL.language_model).state_dict()
    assert len(state) == 401
    assert sum(tensor.numel() for tensor in state.values()) == 315_146_753
    assert state["text_embedding.weight"].shape == (60515, 512)
    assert state["llm.encoders.13.self_attn.pos_bias_u"].shape == (16, 64)


# --- batches -----------------------------------------------------------------------------------------------------------


def test_padded_texts_are_encoded_as_alone(model: LanguageModel, eight: list[language_models.Row]) -> None:
    together = model.encode([row.text for row in eight])
    for row, encoded in zip(eight, together, strict=True):
        assert (encoded[: len(row.text)] - model.encode([row.text])[0]).abs().max() <= 1e-5


def test_the_logits_of_eight_rows_are_those_of_eight_singles(model: LanguageModel, eight: list[language_models.Row]) -> None:
    count = len(eight[0].tokens)
    together = language_models.made_to_say(model, eight, count)
    for row, logits in zip(eight, together, strict=True):
        assert (logits - language_models.made_to_say(model, [row], count)[0]).abs().max() <= 1e-5


@pytest.mark.parametrize("pace", [CPU, CUDA, Pace(look=3, slots=4, share=0.3)], ids=["cpu", "cuda", "other"])
@pytest.mark.parametrize("forced", [None, 1, 37])
def test_eight_rows_say_what_eight_singles_say(
    pace: Pace, forced: int | None, model: LanguageModel, eight: list[language_models.Row]
) -> None:
    """However often the host looks, and whenever rows leave the batch."""
    together = language_models.speak(model, eight, seeds=list(range(8)), forced=forced, pace=pace)
    for seed, (row, tokens) in enumerate(zip(eight, together, strict=True)):
        (alone,) = language_models.speak(model, [row], seeds=[seed], forced=forced)
        assert torch.equal(tokens, alone)
        assert tokens.dtype == torch.long


def test_rows_of_one_text_say_different_things(model: LanguageModel, eight: list[language_models.Row]) -> None:
    first, second, again = language_models.speak(model, [eight[0]] * 3, seeds=[1, 2, 1], forced=40)
    assert torch.equal(first, again)
    assert not torch.equal(first, second)


def test_rows_that_have_ended_cost_nothing(model: LanguageModel, eight: list[language_models.Row]) -> None:
    """Each token takes one step of its row, but for the first, which the text gives. To find the end takes one, too."""
    steps = []

    def step(tokens: torch.Tensor, cache: Cache) -> torch.Tensor:
        steps.append(len(tokens))
        return LanguageModel.step(model, tokens, cache)

    with mock.patch.object(model, "step", step):
        said = language_models.speak(model, eight, seeds=list(range(8)))
    assert sum(steps) == sum(min(len(tokens), MOST * len(row.text) - 1) for tokens, row in zip(said, eight, strict=True))
    assert steps == sorted(steps, reverse=True)
    assert len(set(steps)) > 4


# --- how long ----------------------------------------------------------------------------------------------------------


def eager(model: LanguageModel, bias: float) -> mock._patch:
    """The model with the end's logit raised."""
    raised = model.llm_decoder.bias.detach().clone()
    raised[END] += bias
    return mock.patch.object(model.llm_decoder, "bias", torch.nn.Parameter(raised, requires_grad=False))


def test_a_sentence_has_two_to_twenty_tokens_for_each_text_id(model: LanguageModel, eight: list[language_models.Row]) -> None:
    with eager(model, 50):
        said = language_models.speak(model, eight, seeds=list(range(8)))
    assert [len(tokens) for tokens in said] == [LEAST * len(row.text) for row in eight]
    with eager(model, -50):
        said = language_models.speak(model, eight, seeds=list(range(8)))
    assert [len(tokens) for tokens in said] == [MOST * len(row.text) for row in eight]
    assert (LEAST, MOST) == (2, 20)


def test_it_ends_where_it_says_so(model: LanguageModel, eight: list[language_models.Row]) -> None:
    with eager(model, 3):
        said = language_models.speak(model, eight, seeds=list(range(8)))
    lengths = [len(tokens) for tokens in said]
    assert all(LEAST * len(row.text) <= length for row, length in zip(eight, lengths, strict=True))
    assert sum(length < MOST * len(row.text) for row, length in zip(eight, lengths, strict=True)) >= 4
    assert all((tokens < END).all() and (tokens >= 0).all() for tokens in said)


def test_forced_tokens_are_as_many_as_asked_for(model: LanguageModel, eight: list[language_models.Row]) -> None:
    with eager(model, 50):
        for count in (1, 2, 150):
            said = language_models.speak(model, eight, seeds=list(range(8)), forced=count)
            assert [len(tokens) for tokens in said] == [count] * 8
            assert all((tokens < END).all() for tokens in said)


def test_what_is_said_to_a_point_does_not_depend_on_what_follows(model: LanguageModel, eight: list[language_models.Row]) -> None:
    (long,) = language_models.speak(model, eight[:1], seeds=[1], forced=100)
    (short,) = language_models.speak(model, eight[:1], seeds=[1], forced=30)
    assert torch.equal(long[:30], short)


# --- precision, and a GPU's graphs ---------------------------------------------------------------------------------------


def halved() -> LanguageModel:
    return language_models.build(SHAPE, GOLDEN.checkpoint).half()


def test_float16_is_near_float32() -> None:
    row = GOLDEN.rows[0]
    logits = language_models.made_to_say(halved(), [row], 50)[0]
    assert logits.dtype == torch.float16
    assert (logits.float() - row.logits[:50]).abs().max() <= 0.02


def test_float16_takes_a_float32_speaker(eight: list[language_models.Row]) -> None:
    """A voice's tensors are kept in float32."""
    half = halved()
    speakers = half.speaker(torch.stack([row.embedding for row in eight]))
    generators = [[torch.Generator().manual_seed(seed) for seed in range(8)] for _ in range(2)]
    texts = [row.text for row in eight]
    said = [half.generate(texts, one, each, forced=20) for one, each in zip((speakers, speakers.float()), generators, strict=True)]
    assert all(torch.equal(one, other) for one, other in zip(*said, strict=True))


def captured(batch: Batch) -> Callable[..., object]:
    """The kernels of one `batch.advance`, as a CUDA graph would repeat them on the tensors of `state`."""
    own = state(batch)

    def advance(*tensors: torch.Tensor) -> torch.Tensor:
        batch.said, batch.count, batch.uniform, batch.least, batch.cache.slot, batch.cache.hidden, *batch.cache.layers = tensors
        batch.advance()
        return batch.count

    return make_fx(advance)(*(tensor.clone() for tensor in own))


def state(batch: Batch) -> list[torch.Tensor]:
    return [batch.said, batch.count, batch.uniform, batch.least, batch.cache.slot, batch.cache.hidden, *batch.cache.layers]


def test_a_step_can_be_captured_and_repeated(model: LanguageModel, eight: list[language_models.Row]) -> None:
    """The kernels of the first step, repeated, say what all the steps say: nothing in them hangs on what the host knows or reads."""

    def fresh() -> Batch:
        logits, cache = language_models.begin(model, eight, grain=64)
        batch = Batch(model, cache, [Row(least=9, most=30)] * 8, [torch.Generator().manual_seed(seed) for seed in range(8)], spare=0)
        batch.draw(logits)
        return batch

    stepped, repeated = fresh(), fresh()
    kernels = captured(fresh())
    buffers = state(repeated)
    for _ in range(29):
        stepped.advance()
        kernels(*buffers)
    assert torch.equal(repeated.said, stepped.said)
    assert len(stepped.said[:, SHAPE.window :].unique()) > 20
    assert all(torch.equal(one, other) for one, other in zip(state(repeated), state(stepped), strict=True))


def test_nothing_is_left_to_prepare_for_the_first_sentence() -> None:
    """48 text ids and the 960 tokens that they may become."""
    model = language_models.build(SHAPE, GOLDEN.checkpoint)
    model.prepare()
    row = language_models.random_row(SHAPE, 48, 0, torch.Generator().manual_seed(1))
    with mock.patch("worker.engines.viettts.attention.sinusoids", side_effect=AssertionError("a table grows")):
        (said,) = language_models.speak(model, [row], seeds=[1], forced=MOST * 48)
        assert len(said) == 960
        with pytest.raises(AssertionError, match="a table grows"):
            language_models.speak(model, [row], seeds=[1], forced=1000)


# --- what is wrong -------------------------------------------------------------------------------------------------------


def test_weights_that_are_not_numbers_are_said_so(eight: list[language_models.Row]) -> None:
    model = language_models.build(SHAPE, GOLDEN.checkpoint)
    model.llm.after_norm.weight.fill_(torch.nan)
    with pytest.raises(SynthesisFailed, match="not a number"):
        language_models.speak(model, eight, seeds=list(range(8)))


@pytest.mark.parametrize(("ids", "forced", "reason"), [(0, None, "without ids"), (3, 0, "not 0")])
def test_nothing_to_say_is_refused(ids: int, forced: int | None, reason: str, model: LanguageModel) -> None:
    row = language_models.random_row(SHAPE, ids, 0, torch.Generator().manual_seed(1))
    with pytest.raises(ValueError, match=reason):
        language_models.speak(model, [row], seeds=[1], forced=forced)
