"""The Python of the page on engraving runs as it stands."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "how_to" / "notation.md"


def test_the_page_runs(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), names)
    assert "Frère Jacques" in Path("tune.svg").read_text(encoding="utf-8")
    assert Path("tune.png").read_bytes().startswith(b"\x89PNG")
    assert Path("tune.pdf").read_bytes().startswith(b"%PDF")
    assert 'fill="#c00000"' in Path("surprise.svg").read_text(encoding="utf-8")
