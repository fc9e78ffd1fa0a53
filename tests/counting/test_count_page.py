"""The Python of the page on counting runs as it stands."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "how_to" / "count.md"


def test_the_page_runs(capsys, monkeypatch, music_folder, tmp_path):
    from stochastic_music.corpus.store import build_store
    from stochastic_music.tokens import MelodyEncoding

    monkeypatch.chdir(tmp_path)
    build_store("store", [music_folder], MelodyEncoding(), workers=1)
    names = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), names)
    printed = capsys.readouterr().out
    assert "4 ['duration 12', 'phrase ', 'pitch C4', 'rest 0']\n" in printed
    assert "[((62, 64, 60), 2), ((60, 62, 64), 2)]\n2\n" in printed
    assert names["whole"].n_tokens == 2 * names["counts"].n_tokens
