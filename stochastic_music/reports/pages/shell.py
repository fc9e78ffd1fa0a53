"""The shell of an offline page: one file, that opens from disk and asks for nothing.

Styles and scripts are files of this package (`static/`), written into the page. A content security policy names the
digest of each, and forbids everything else: no other script or style runs, and no request leaves the page, whatever a
title or a name of a file may hold.

Themes are light and dark by the reader's system, and ink on white in print. Equal arguments give equal bytes.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources

from stochastic_music._version import __version__
from stochastic_music.reports.pages.markup import Html, element, joined


def page(title: str, *content: str, styles: Iterable[str] = (), scripts: Iterable[str] = ()) -> str:
    """A whole page around `content`; `styles` and `scripts` name files of `static/`, after the shell's own.

    >>> page("Tunes & airs", "text").splitlines()[0]
    '<!doctype html>'
    """
    sheets = [static(name) for name in ("page.css", *styles)]
    programs = [static(name) for name in scripts]
    head = (
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy(sheets, programs)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="generator", content=f"stochastic_music {__version__}"),
        element("title", title),
        element("link", rel="icon", href="data:,"),
        *(element("style", sheet) for sheet in sheets),
    )
    skip = element("a", "Skip to the content", class_="skip", href="#main")
    body = (skip, *content, *(element("script", program) for program in programs))
    document = element(
        "html", element("head", joined(head, "\n")), "\n", element("body", joined(body, "\n")), lang="en"
    )
    return f"<!doctype html>\n{document}\n"


@cache
def static(name: str) -> Html:
    """A file of `static/`, as it stands."""
    return Html(resources.files(__package__).joinpath("static", name).read_text(encoding="utf-8"))


def _policy(styles: Sequence[str], scripts: Sequence[str]) -> str:
    """Nothing but what the page itself brought."""
    rules = {
        "default-src": ["'none'"],
        "style-src": [_digest(text) for text in styles],
        "script-src": [_digest(text) for text in scripts] or ["'none'"],
        "img-src": ["data:"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }
    return "; ".join(" ".join([name, *allowed]) for name, allowed in rules.items())


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
