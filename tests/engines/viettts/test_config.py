"""config.yaml of VietTTS is read as data: sizes out of it, nothing made by it, and every field that does not fit told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from loa.errors import BrokenEngine
from tests.engines.viettts import published
from worker.engines.viettts.architecture import FULL, Architecture
from worker.engines.viettts.config import read_config

TEXT = published.config(FULL)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


@pytest.mark.parametrize("architecture", [FULL, published.TINY], ids=["full", "tiny"])
def test_the_sizes_are_read(path: Path, architecture: Architecture) -> None:
    path.write_text(published.config(architecture))
    assert read_config(path) == architecture


def test_a_frame_has_the_same_samples_everywhere() -> None:
    assert FULL.vocoder.frame == FULL.flow.hop == 256
    assert FULL.vocoder.sample_rate == FULL.flow.sample_rate == FULL.sample_rate


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("text_token_size: 60515", "", r"llm\.text_token_size is missing"),
        ("text_token_size: 60515", "text_token_size: many", r"llm\.text_token_size is 'many'; it takes a whole number"),
        ("text_token_size: 60515", "text_token_size: true", "is True; it takes a whole number"),
        ("text_token_size: 60515", "text_token_size: 0", "is 0; it takes a whole number"),
        ("top_p: 0.8", "top_p: [1]", r"llm\.sampling\.top_p is \[1\]; it takes a number"),
        ("upsample_rates: [8, 8]", "upsample_rates: 8", r"hift\.upsample_rates is 8; it takes a list"),
        ("[[1, 3, 5], [1, 3, 5]]\n", "[1, 3]\n", r"source_resblock_dilation_sizes is \[1, 3\]; it takes a list of lists"),
        ("macaron_style: false", "macaron_style: true", r"llm\.text_encoder\.macaron_style is True; it takes False"),
        ("use_cnn_module: false", "use_cnn_module: 0", "use_cnn_module is 0; it takes False"),
        ("solver: euler", "solver: midpoint", r"solver is 'midpoint'; it takes 'euler'"),
        ("vocab_size: 4096", "vocab_size: 6561", r"flow\.vocab_size is 6561; it takes 4096"),
        ("[1, 1, 1, 1]", "[1, 1, 2]", r"sampling_ratios is \[1, 1, 2\]; it takes \[1, 1, 1\]"),
        ("!ref <sample_rate>", "24000", r"hift\.sampling_rate is 24000; it takes 22050"),
        ("!ref <sample_rate>", "!ref <rate>", r"hift\.sampling_rate refers to 'rate', which has no value"),
        ("!ref <sample_rate>", "!ref <llm>", r"hift\.sampling_rate refers to 'llm', which has no value"),
        ("audio_limit: 0.99", "audio_limit: 0.99\n  streaming: true", r"hift\.streaming is not known"),
        ("\nhift:", "\ndiffusion: {steps: 3}\n\nhift:", r"diffusion\.steps is not known"),
    ],
)
def test_a_field_that_does_not_fit_is_named(path: Path, old: str, new: str, message: str) -> None:
    assert old in TEXT
    path.write_text(TEXT.replace(old, new))
    with pytest.raises(BrokenEngine, match=message) as caught:
        read_config(path)
    assert str(path) in caught.value.message
    assert caught.value.details == {"file": "config.yaml"}


def test_all_of_them_are_told_at_once(path: Path) -> None:
    path.write_text("sample_rate: 22050\nflow: {output_size: 100}\n")
    with pytest.raises(BrokenEngine) as caught:
        read_config(path)
    for part in ("llm.text_token_size is missing", "hift.in_channels is missing", "flow.output_size is 100"):
        assert part in caught.value.message


@pytest.mark.parametrize("text", ["", "- 1", "just text", "3"])
def test_what_is_no_table(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(BrokenEngine, match="not fields by name"):
        read_config(path)


@pytest.mark.parametrize("content", [b"a: [1", b"\xff\xfe\x00", b"a: *nothing", b"[" * 5000])
def test_what_is_no_yaml(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(BrokenEngine, match="is no YAML file"):
        read_config(path)


def test_a_file_that_is_not_there(path: Path) -> None:
    with pytest.raises(BrokenEngine, match="cannot be read: No such file"):
        read_config(path)


@pytest.mark.parametrize("tag", ["!apply:os.mkdir", "!new:os.mkdir", "!!python/object/apply:os.mkdir", "!name:os.mkdir", "!include:"])
def test_nothing_is_made_of_a_tag(path: Path, tag: str) -> None:
    trap = path.parent / "made"
    path.write_text(TEXT + f"\n__set_seed9: {tag} ['{trap}']\n")
    if tag.startswith("!!"):
        with pytest.raises(BrokenEngine, match="could not determine a constructor"):
            read_config(path)
    else:
        assert read_config(path) == FULL
    assert not trap.exists()
