"""Every notebook of the tree runs from top to bottom, and is committed as its author wrote it: without outputs."""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

ROOT = Path(__file__).parents[1]
#: folders of notebooks; further ones need no more than a line here
FOLDERS = ("examples/notebooks", "docs/class")
NOTEBOOKS = sorted(path for folder in FOLDERS for path in (ROOT / folder).glob("*.ipynb"))

#: seconds that a cell may take
_PATIENCE = 120


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def cell_outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def complaints(notebook):
    """What a reader should not see: text on stderr, and tracebacks in any output."""
    streams = [output for output in cell_outputs(notebook) if output.output_type == "stream"]
    said = [f"stderr: {output.text}" for output in streams if output.name == "stderr"]
    return said + [str(output) for output in cell_outputs(notebook) if "Traceback" in json.dumps(output)]


def unclean(notebook):
    """What a notebook should not be committed with."""
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    said = [f"an output of cell {cell.id}" for cell in codes if cell.outputs]
    said += [f"the execution count of cell {cell.id}" for cell in codes if cell.execution_count is not None]
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        said.append("another kernel than python3")
    return said


@pytest.fixture
def kernel_home(monkeypatch):
    """Settings of Jupyter and IPython in a folder of their own, and a kernel that is the interpreter of the tests.

    Its sockets are files in that folder, whose path must be short for that: no two kernels can take one port.
    """
    home = Path(tempfile.mkdtemp(prefix="nb"))
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Python 3",
        "language": "python",
    }
    kernel = home / "data" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text(json.dumps(spec))
    for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR"):
        monkeypatch.setenv(f"JUPYTER_{name}", str(home / name.lower().partition("_")[0]))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("IPYTHONDIR", str(home / "ipython"))
    yield home
    shutil.rmtree(home)


@pytest.fixture
def run(kernel_home, tmp_path):
    """Run a notebook in an empty folder; returns it with its outputs."""
    from traitlets.config import Config

    sockets = {} if sys.platform == "win32" else {"transport": "ipc", "ip": str(kernel_home / "socket")}
    settings = {"config": Config(KernelManager=sockets), "resources": {"metadata": {"path": str(tmp_path)}}}

    def execute(notebook):
        client = nbclient.NotebookClient(notebook, kernel_name="python3", timeout=_PATIENCE, **settings)
        return client.execute()

    return execute


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_it_runs_and_complains_of_nothing(path, run):
    assert not complaints(run(nbformat.read(path, as_version=4)))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_it_is_committed_without_outputs(path):
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert not unclean(notebook)


def test_there_are_notebooks_to_run():
    assert NOTEBOOKS


def made_of(*sources):
    from nbformat import v4

    return v4.new_notebook(cells=[v4.new_code_cell(source, id=f"cell-{i}") for i, source in enumerate(sources)])


def test_a_cell_that_fails_fails_the_notebook(run):
    with pytest.raises(nbclient.exceptions.CellExecutionError, match="no such tune"):
        run(made_of("1 + 1", "raise LookupError('no such tune')", "2 + 2"))


def test_a_score_is_shown_as_music_once_the_package_is_imported(run):
    told = run(made_of("import symusic, stochastic_music", "symusic.Score(480)"))
    [shown] = told.cells[1].outputs
    assert "<iframe" in shown.data["text/html"]


def test_a_warning_is_a_complaint_and_the_kernel_is_this_interpreter(run):
    told = run(made_of("import sys, warnings; print(sys.executable)", "warnings.warn('old ways')"))
    assert told.cells[0].outputs[0].text.strip() == sys.executable
    [said] = complaints(told)
    assert "old ways" in said


def test_a_traceback_that_is_shown_is_a_complaint():
    from nbformat import v4

    told = made_of("1")
    told.cells[0].outputs = [v4.new_output("stream", name="stdout", text="Traceback (most recent call last):")]
    assert complaints(told)


def test_outputs_and_counts_are_unclean():
    from nbformat import v4

    told = made_of("1")
    told.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    assert not unclean(told)
    told.cells[0].outputs = [v4.new_output("stream", text="1")]
    told.cells[0].execution_count = 1
    assert len(unclean(told)) == 2
