"""The Python of the page on demands runs as it stands."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "how_to" / "constrain.md"


def test_the_page_runs(capsys):
    text = PAGE.read_text(encoding="utf-8")
    names = {}
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), names)
    calm, clash = capsys.readouterr().out.splitlines()
    assert calm.startswith("Length(12) & Count(leaps of 5 semitones or more: at most 1) & Count(notes F: at least 1)")
    [told] = re.findall(r"```text\n(.*?)\n```", text, re.DOTALL)
    assert clash == told
