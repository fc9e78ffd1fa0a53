"""A whole page within another, as notebooks show it: what is in it touches nothing around it, and nothing touches it.

The page travels in the attribute `srcdoc` of a frame. The frame is a sandbox of its own origin: scripts of the page run
and files can be downloaded; there is no way to the document around it, its cookies or its storage.
"""

from __future__ import annotations

from stochastic_music.reports.pages.markup import Html, element


def frame(page: str, height: int, *, title: str = "Music to hear and see") -> Html:
    """A frame as wide as there is room for, and `height` pixels high.

    >>> frame("<p>A &amp; B</p>", 200)[:52]
    '<iframe srcdoc="&lt;p&gt;A &amp;amp; B&lt;/p&gt;" sa'
    """
    return element(
        "iframe",
        srcdoc=page,
        sandbox="allow-scripts allow-downloads",
        allow="autoplay; clipboard-write",
        title=title,
        width="100%",
        height=height,
        frameborder=0,
    )
