"""The one door through which optional and heavy libraries come in."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

from stochastic_music.errors import MissingExtraError

#: module -> what to install for it
_INSTALL = {
    "miditok": "stochastic-music[tokens]",
    "pyarrow": "stochastic-music[parquet]",
    "hmmlearn": "hmmlearn>=0.3.3",
    "pomegranate": "stochastic-music[pomegranate]",
    "torch": "stochastic-music[neural]",
    "numba": "stochastic-music[fast]",
    "cupy": "stochastic-music[gpu12]",
    "dask": "stochastic-music[dask]",
    "distributed": "stochastic-music[dask]",
    "verovio": "stochastic-music[notation]",
    "resvg_py": "stochastic-music[notation]",
    "reportlab": "stochastic-music[notation]",
    "fontTools": "stochastic-music[notation]",
    "soundfile": "stochastic-music[sound]",
    "pretty_midi": "stochastic-music[interop]",
    "muspy": "stochastic-music[interop]",
    "partitura": "stochastic-music[interop]",
    "isobar": "stochastic-music[interop]",
    "sklearn": "scikit-learn>=1.4",
    "sklearn_crfsuite": "sklearn-crfsuite>=0.5.0",
    "music21": "music21>=9.3",
    "matplotlib": "matplotlib>=3.9",
}


def require(module: str) -> ModuleType:
    """Import `module`, or raise MissingExtraError with the line that installs it.

    >>> require("math").tau > 6
    True
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        top = module.partition(".")[0]
        more = ', or "stochastic-music[gpu13]" where CUDA 13 is installed' if top == "cupy" else ""
        raise MissingExtraError(
            f"this needs {top}, which is not installed here ({error}). "
            f'Install it with: pip install "{_INSTALL.get(top, top)}"{more}'
        ) from error


def available(module: str) -> bool:
    """Whether `module` can be imported, without importing it."""
    return importlib.util.find_spec(module) is not None
