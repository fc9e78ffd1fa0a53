"""`stochmusic models`: what can be fitted."""

from __future__ import annotations

from typing import Any

from stochastic_music.cli import _options
from stochastic_music.cli._common import print_json, say


def models(
    as_json: _options.AsJson = False,
) -> None:
    """List the models that can be fitted, their parameters and where they come from."""
    from stochastic_music import registry
    from stochastic_music.model_file import TASKS
    from stochastic_music.reports.references import METHODS

    rows: list[dict[str, Any]] = []
    broken: list[dict[str, str]] = []
    for entry in registry.names("models").values():
        try:
            cls = entry.load()
        except Exception as error:
            broken.append({"name": entry.name, "package": entry.package, "reason": str(error)})
            continue
        summary = (cls.__doc__ or "").strip().partition("\n")[0].partition("; see the module")[0].rstrip(".")
        rows.append(
            {
                "name": entry.name,
                "package": entry.package,
                "summary": summary,
                "references": list(METHODS.get(entry.name, ())),
                "parameters": {name: _plain(value) for name, value in registry.parameters_of(cls).items()},
            }
        )
    for lost in broken:
        say(f"{lost['name']} ({lost['package']}) is left out: {lost['reason']}")
    if as_json:
        print_json({"models": rows, "tasks": {name: task._asdict() for name, task in TASKS.items()}, "broken": broken})
        return
    for row in rows:
        origin = "" if row["package"] == "stochastic_music" else f"  [{row['package']}]"
        parameters = ", ".join(f"{name}={'-' if value is None else value}" for name, value in row["parameters"].items())
        print(f"{row['name']}{origin}\n    {row['summary']}\n    {parameters}")
    print("\nFit one with: stochmusic fit CORPUS -m " + rows[0]["name"])
    print("\nModels for other tasks:")
    for task in [task for name, task in TASKS.items() if name != "compose"]:
        print(f"    stochmusic {task.fit:<28} {task.does}: stochmusic {task.use.format('MODEL')}")


def _plain(value: object) -> object:
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
