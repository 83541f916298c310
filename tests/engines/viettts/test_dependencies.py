"""VietTTS needs what its extra installs and nothing else: neither Piper's package with espeak-ng in it, nor what the reference needs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from loa.engines import ENGINES
from tests.engines.viettts import published
from worker.engines.viettts.reference import INSTALLATION

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "worker" / "engines" / "viettts"
OF_THE_CORE = {"numpy", "soundfile"}
FORBIDDEN = (
    *("piper", "espeakng_loader", "espeakng", "phonemizer", "onnx"),
    *("viettts", "diffusers", "conformer", "hyperpyyaml", "omegaconf", "whisper", "librosa", "vinorm", "einops", "transformers"),
)

# In a process of its own, on a machine that has none of the forbidden packages, with a tiny model in LOA_DATA_DIR.
SPEAKING = f"""
import importlib, pkgutil, sys
for name in {FORBIDDEN!r}:
    sys.modules[name] = None  # an import of it fails, and nobody finds it
from loa.engines import ENGINES, served
from loa.settings import Settings
settings = Settings.load()
assert served(settings) == ("viettts",), served(settings)
import torch, worker.engines.viettts
for module in pkgutil.walk_packages(worker.engines.viettts.__path__, "worker.engines.viettts."):
    importlib.import_module(module.name)
from worker.engines.viettts import config, tokenizer, weights
paths, cpu = ENGINES["viettts"].files(settings).paths(), torch.device("cpu")
architecture = config.read_config(paths["config"])
model = weights.load_language_model(paths["language_model"], architecture.language_model, cpu)
weights.load_flow(paths["flow"], architecture.flow, cpu)
weights.load_vocoder(paths["vocoder"], architecture.vocoder, cpu)
ids = torch.tensor(tokenizer.Tokenizer().encode("xin chào"))
with torch.inference_mode():
    print(len(model.generate([ids], model.speaker(torch.ones(1, 192)), [torch.Generator().manual_seed(1)], forced=5)[0]))
"""


def test_it_imports_what_its_extra_installs() -> None:
    imported = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.partition(".")[0])
    others = imported - sys.stdlib_module_names - {"loa", "worker"}
    assert others <= OF_THE_CORE | set(ENGINES["viettts"].requires)


def test_it_speaks_without_piper_and_without_the_reference(tmp_path: Path) -> None:
    folder = tmp_path / "engines" / "viettts"
    folder.mkdir(parents=True)
    published.write(folder)
    for name in ("speech_embedding.onnx", "speech_tokenizer.onnx"):  # heard by no voice here
        (folder / name).touch()
    done = subprocess.run(
        [sys.executable, "-c", SPEAKING], capture_output=True, text=True, env={"PATH": "", "LOA_DATA_DIR": str(tmp_path)}, timeout=120
    )
    assert (done.stdout, done.stderr) == ("5\n", "")


def test_what_verify_says_to_install_is_what_the_reference_was_compared_with() -> None:
    """Every version that is named there is the one of `make golden`."""
    pinned = (ROOT / "requirements" / "reference.txt").read_text(encoding="utf-8").split()
    named = [word for word in INSTALLATION.split() if "==" in word]
    assert len(named) >= 5
    assert set(named) <= set(pinned)
