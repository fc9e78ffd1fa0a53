"""Pages of reports: whole, quiet, escaped, and readable without eyes."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from stochastic_music.reports.pages import blind_page, index_page
from stochastic_music.reports.pages.player import SCRIPTS
from tests.reports.a_report import a_report

VOID = {"br", "hr", "img", "input", "link", "meta", "wbr"}
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&"


class Tree(HTMLParser):
    """Elements in order, as (tag, attributes, path); text by path; and whether all were closed in order."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.texts, self.crossed = [], [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), tuple(self.open)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.crossed.append(tag)

    def handle_data(self, data):
        self.texts.append((tuple(self.open), data))

    def all(self, tag):
        return [attributes for name, attributes, _ in self.elements if name == tag]


@pytest.fixture(scope="module")
def index():
    return index_page(a_report())


@pytest.fixture(scope="module", params=[index_page, blind_page], ids=["index", "blind"])
def page(request, index):
    return index if request.param is index_page else blind_page(a_report())


@pytest.fixture(scope="module")
def tree(page):
    return Tree(page)


def test_elements_are_nested_and_closed(tree):
    assert (tree.crossed, tree.open) == ([], [])


def test_nothing_is_asked_for_from_outside(page, tree):
    assert not re.search(r"https?://|//[a-z]+\.", page)
    links = [a.get("href") or a.get("src") for _, a, _ in tree.elements if "href" in a or "src" in a]
    assert {link.split("#")[0] for link in links} <= {"", "data:,", "blind.html", "report.json"}


def test_the_policy_names_every_style_and_script_and_allows_no_other(page, tree):
    policy = next(a["content"] for a in tree.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split("; ")}
    assert rules["default-src"] == ["'none'"]
    for tag, rule in (("style", "style-src"), ("script", "script-src")):
        bodies = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digests = [base64.b64encode(hashlib.sha256(body.encode()).digest()).decode() for body in bodies]
        assert rules[rule] == [f"'sha256-{digest}'" for digest in digests]
    assert not any(name == "style" or name.startswith("on") for _, a, _ in tree.elements for name in a)


def test_equal_reports_give_equal_bytes(index):
    assert index_page(a_report()) == index
    assert blind_page(a_report()) == blind_page(a_report())


def test_ids_are_unique_and_what_is_referred_to_exists(tree):
    ids = [a["id"] for _, a, _ in tree.elements if "id" in a]
    assert len(ids) == len(set(ids))
    wanted = [a["href"][1:] for a in tree.all("a") if a["href"].startswith("#")]
    assert {*wanted, *(a["aria-labelledby"] for _, a, _ in tree.elements if "aria-labelledby" in a)} <= set(ids)


def test_controls_have_names(tree):
    for tag, attributes, path in tree.elements:
        if tag in ("input", "textarea"):
            assert "label" in path or attributes.get("aria-label")
        if attributes.get("role") == "img":
            assert attributes["aria-label"]


@pytest.mark.parametrize("make", [index_page, blind_page])
def test_text_from_files_is_no_markup(make):
    report = a_report(names=[EVIL], title=EVIL)
    report["models"][-1]["failed"] = EVIL
    report["held_out"]["takes"][0]["piece"] = EVIL
    report["made_with"]["command"] = EVIL
    tree = Tree(make(report))
    assert (tree.crossed, tree.open, tree.all("img")) == ([], [], [])
    assert len(tree.all("script")) == len(SCRIPTS) + (make is blind_page)


def test_tables_have_captions_and_heads(index):
    tables = re.findall(r"<table>.*?</table>", index)
    assert len(tables) >= 12
    for table in tables:
        assert "<caption>" in table
        heads = len(re.findall(r'<th scope="col"', table))
        for row in re.findall(r"<tr[^>]*><th scope=\"row\">.*?</tr>", table):
            spans = [int(n) for n in re.findall(r'colspan="(\d+)"', row)]
            assert len(re.findall("<td", row)) + sum(span - 1 for span in spans) == heads - 1


def test_every_measure_has_its_meaning_and_direction_in_sight(index):
    for key, measure in a_report()["measures"].items():
        words = {"lower": "Lower is better", "higher": "Higher is better", "closer": "Closer to the held-out music"}
        assert re.search(f"<dd>{re.escape(measure['meaning'])} {words[measure['better']]}", index), key


def test_cautions_stand_before_any_figure():
    html = index_page({**a_report(), "cautions": ["Only 2 pieces < 20."]})
    assert html.index("Only 2 pieces &lt; 20.") < html.index("<table")


def test_pseudo_bits_are_explained_where_a_model_has_them():
    report = a_report()
    meaning = "Each symbol is given all others."
    measure = {"title": "pseudo-bits", "meaning": meaning, "unit": "bits", "better": "lower"}
    report["measures"]["pseudo_bits_per_note"] = measure
    assert meaning not in index_page(report)
    budget = report["models"][0]["budget"]
    budget["bits_per_note"], budget["pseudo_bits_per_note"] = None, budget["bits_per_note"]
    assert meaning in index_page(report)


def test_a_failed_model_says_why_in_every_table_of_models(index):
    tables = [table for table in re.findall(r"<table>.*?</table>", index) if '<th scope="row">markov</th>' in table]
    assert len(tables) == 8
    assert all("did not finish: the loss is not a number" in table for table in tables)
    assert re.search(r'<th scope="col">[^:<]*<span class="failed">did not finish</span></th>', index)


def test_pictures_take_the_colors_of_the_page_and_speak(index):
    pictures = re.findall('<figure class="picture">.*?</figure>', index)
    assert len(pictures) == 5
    for drawn in pictures:
        assert re.search('role="img" aria-label="[^"]{20,}', drawn)
        assert 'fill="currentColor"' in drawn
        assert set(re.findall("#[0-9a-f]{6}", drawn)) <= {"#0072b2"}
    assert "not drawn: transformer" in pictures[0]


def test_a_report_that_was_written_is_a_page(made):
    page = index_page(made)
    assert Tree(page).crossed == []
    assert all(model["name"].replace("_", "_<wbr>") in page for model in made["models"])


def test_metrics_of_plug_ins_have_a_section_where_there_are_any(index):
    assert 'id="metrics"' not in index
    report = a_report()
    told = {"title": "swing", "meaning": "how much it swings", "unit": "", "better": "closer", "value": 0.25}
    report["models"][0]["metrics"] = {"swing": told}
    report["models"][1]["metrics"] = {"swing": {"value": None, "reason": "ValueError: no drums"}}
    page = index_page(report)
    assert "How much it swings. Closer to the held-out music is better." in page
    assert "<td>0.250</td>" in page
    assert "<td>ValueError: no drums</td>" in page


def test_models_may_have_any_name():
    names = ["$\\frac$", "<b>", "é" * 80, ""]
    assert Tree(index_page(a_report(names=names))).crossed == []


def test_counted_votes_have_a_table():
    row = {"a": "ppm", "b": "held-out", "preferred": 3, "n": 9, "share": 1 / 3, "interval": [0.1, 0.7]}
    votes = {"voters": 1, "rows": [row | {"p": 0.5078, "p_corrected": 1.0, "undecided": 2}]}
    page = index_page(a_report() | {"votes": votes})
    assert "1 listener voted" in page
    assert re.search("ppm to held-out</th><td>3 of 9</td><td>0.33<span.*?0.508</td><td>1.000</td><td>2</td>", page)


def test_headings_do_not_skip_levels(tree):
    levels = [int(tag[1]) for tag, _, _ in tree.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_a_report_of_what_is_least_is_still_a_page():
    report = a_report(n_takes=0)
    report |= {"held_out": {}, "differences": [], "models": report["models"][-1:], "measures": {}}
    assert (tree := Tree(index_page(report))).crossed == tree.open == []
    assert "There is nothing to choose between" in blind_page(report)
    assert Tree(blind_page(report)).all("script") == []
