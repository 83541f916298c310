"""Writes the parts of docs/ that are made from the code: docs/settings.md, and the state diagram and key legend in docs/architecture.md.

    python tools/reference.py

tests/unit/test_reference.py fails when one of them is out of date.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from pathlib import Path
from typing import get_type_hints

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from loa import keys, states  # noqa: E402 - the checkout comes first
from loa.settings import Settings, variable  # noqa: E402

SETTINGS_HEAD = """\
# Settings

Every setting is an environment variable. All processes of one service need the same ones: `loa up` hands them on, and docker-compose.yml
takes them from one place. A value outside its bounds stops the start with one sentence that names the variable.

This file is made from loa/settings.py by `python tools/reference.py`.

| variable | unit | default | why |
|---|---|---|---|
"""


def settings() -> str:
    rows = []
    kinds = get_type_hints(Settings)
    for field in dataclasses.fields(Settings):
        default = str(field.default).lower() if kinds[field.name] is bool else str(field.default)
        unit, reason = field.metadata["unit"], field.metadata["reason"]
        least, most = field.metadata["least"], field.metadata["most"]
        bounds = f", {least:g} to {most:g}" if most is not None else f", at least {least:g}" if least is not None else ""
        rows.append(f"| `{variable(field.name)}` | {unit}{bounds} | {f'`{default}`' if default else '–'} | {reason} |\n")
    return SETTINGS_HEAD + "".join(rows)


def architecture() -> str:
    """docs/architecture.md with its two made parts as they are now."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    legend = re.search(r"^\| key \|.*?(?=\n\n|\Z)", keys.__doc__ or "", re.MULTILINE | re.DOTALL)
    assert legend is not None
    for name, part in (("states", f"```mermaid\n{states.diagram()}\n```"), ("keys", legend[0].strip())):
        begin, end = f"<!-- {name}: made by tools/reference.py -->", f"<!-- end of {name} -->"
        head, _, rest = text.partition(begin)
        _, _, tail = rest.partition(end)
        text = f"{head}{begin}\n\n{part}\n\n{end}{tail}"
    return text


DOCUMENTS = {"docs/settings.md": settings, "docs/architecture.md": architecture}


def main() -> None:
    for path, make in DOCUMENTS.items():
        (ROOT / path).write_text(make(), encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()
