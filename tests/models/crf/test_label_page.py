"""The Python of the page on labels runs as it stands."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "how_to" / "label.md"


def test_the_page_runs(capsys):
    names = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), names)
    assert names["model"].chosen_["algorithm"] in {"lbfgs", "ap"}
    printed = capsys.readouterr().out
    assert "rest pitch_classes=0 0." in printed
    assert len(printed.splitlines()) > 3
