"""The Python of the page on measures of music runs as it stands."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "how_to" / "measure_music.md"


def test_the_page_runs(capsys, monkeypatch, music_folder, tmp_path):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), names)
    assert capsys.readouterr().out.count("Estimate(value=") == 12
    assert Path("densities.svg").stat().st_size > 1000
