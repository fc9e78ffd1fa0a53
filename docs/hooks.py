"""What the site needs beside its plugins: formulas as MathML, notebooks as pages.

Both happen while the site is built, so that its pages load nothing from outside. MkDocs calls the functions named
`on_*` (https://www.mkdocs.org/dev-guide/plugins/#events). Notebooks are shown as they lie in the sources, without
results, and can be downloaded from their pages; links to notebooks lead to these pages.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
#: folder of the site -> folder of the sources that holds its notebooks
NOTEBOOKS = {"class": "docs/class", "notebooks": "examples/notebooks"}
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)
LINK = re.compile(r"\]\((?!\w+:)([^)\s]+)\.ipynb\)")
HEAD = """

!!! tip "A notebook, shown without its results"

    <a href="{name}" download>Download it</a>, and run it where [Jupyter](../how_to/notebooks.md) and the package are.
"""


def on_files(files: Any, config: Any) -> Any:
    """A page for each notebook, and the notebook itself where it lies outside the folder of the site."""
    for folder, source in NOTEBOOKS.items():
        for path in sorted((ROOT / source).glob("*.ipynb")):
            files.append(File.generated(config, f"{folder}/{path.stem}.md", content=as_markdown(path)))
            if files.get_file_from_path(f"{folder}/{path.name}") is None:
                files.append(File.generated(config, f"{folder}/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Links to notebooks lead to their pages."""
    return LINK.sub(r"](\1.md)", markdown.replace("../../examples/notebooks/", "../notebooks/"))


def on_page_content(content: str, **_: Any) -> str:
    """Formulas, which the extension `arithmatex` has found, as MathML."""
    return FORMULA.sub(lambda found: as_mathml(found[2], block=found[1] == "div"), content)


def as_mathml(latex: str, *, block: bool) -> str:
    """A formula as browsers show it by themselves."""
    return convert(html.unescape(latex).strip(), display="block" if block else "inline")


def as_markdown(path: Path) -> str:
    """A notebook as a page: its title, where to get it, its text and its code."""
    cells = [(cell["cell_type"], "".join(cell["source"])) for cell in json.loads(path.read_text("utf-8"))["cells"]]
    title, _, rest = cells[0][1].partition("\n")
    blocks = [f"````python\n{text}\n````" if kind == "code" else text for kind, text in cells[1:]]
    return "\n\n".join([title + HEAD.format(name=path.name), rest, *blocks])
