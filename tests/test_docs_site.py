"""The site as it lies in the sources: every page is reached, every link leads somewhere, nothing comes from outside.

MkDocs is not needed here; `.ci/run` builds the site with `--strict`.
"""

import os
import re
from pathlib import Path

import pytest

import stochastic_music as sm

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SETTINGS = (ROOT / "mkdocs.yml").read_text("utf-8")
SETTING, NAV = SETTINGS.split("\nnav:\n")
ENTRIES = re.findall(r"^ *- (?:.*: )?(\S+\.md)$", NAV, re.MULTILINE)
#: folder of the site -> folder of the notebooks that become its pages
NOTEBOOKS = {"class": "docs/class", "notebooks": "examples/notebooks"}
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in [ROOT / "README.md", *DOCS.rglob("*.md")])
#: what makes pictures
SCRIPTS = [DOCS / "make_pictures.py", *(ROOT / "benchmarks").rglob("*.py")]
LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
CODE = re.compile(r"^(```+)[^\n]*\n.*?^\1$|^    [^\n]*$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def source(entry):
    """The file of the sources that a page of the site is made of."""
    folder, _, name = entry.rpartition("/")
    if folder in NOTEBOOKS and not (DOCS / entry).is_file():
        return ROOT / NOTEBOOKS[folder] / f"{Path(name).stem}.ipynb"
    return DOCS / entry


def links(page):
    """Where a page leads to, other sites left out."""
    found = ("".join(pair) for pair in LINK.findall(CODE.sub("", (ROOT / page).read_text("utf-8"))))
    return [target for target in found if not re.match(r"\w+:", target)]


def anchor(heading):
    """The name of a heading in links, as Python-Markdown makes it."""
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())


def anchors(path):
    return {anchor(heading) for heading in re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE)}


def test_every_page_is_in_the_navigation_once():
    notebooks = [path for folder in NOTEBOOKS.values() for path in (ROOT / folder).glob("*.ipynb")]
    assert sorted(map(source, ENTRIES)) == sorted([*DOCS.rglob("*.md"), *notebooks])


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file_and_a_heading_of_it(page):
    for target in links(page):
        name, _, heading = target.partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        assert path.exists() or source(Path(os.path.relpath(path, DOCS)).as_posix()).is_file(), target
        if heading and path.suffix == ".md":
            assert heading in anchors(path), target


def test_what_is_loaded_lies_beside_the_pages():
    names = re.findall(r"- ((?:stylesheets|javascripts)/\S+)", SETTING)
    assert names
    for name in names:
        assert not re.search(r"https?:|@import|url\(", (DOCS / name).read_text("utf-8")), name
    assert not re.search(r"^[^#\n]*https?:", SETTING, re.MULTILINE)
    assert re.search(r"^  font: false", SETTING, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES)
def test_pages_show_nothing_from_outside(page):
    text = (ROOT / page).read_text("utf-8")
    assert not re.search(r"!\[[^]]*\]\(\w+:|\bsrc=[\"']?\w*:?//|<(?:link|script)\b", text)
    assert "```mermaid" not in text  # the theme would fetch what draws it


def test_every_picture_is_used_and_made_by_a_script():
    used = {Path(target).name for page in PAGES for target in links(page)}
    scripts = "".join(path.read_text("utf-8") for path in SCRIPTS)
    pictures = [path.name for path in (DOCS / "images").iterdir()]
    assert pictures
    for name in pictures:
        assert name in used
        assert name in scripts


def test_the_reference_begins_with_every_name_of_the_front_door():
    told = re.findall(r"\[(\w+)\]\[stochastic_music\.", (DOCS / "reference/index.md").read_text("utf-8"))
    assert sorted(told) == sorted(name for name in sm.__all__ if name != "__version__")
