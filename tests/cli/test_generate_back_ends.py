import json

from stochastic_music import _backends


def test_back_ends_are_asked_for_by_name(stochmusic, music_folder):
    done = stochmusic("fit", "music", "-m", "markov", "--set", "order=1")
    assert done.returncode == 0, done.stderr

    def told(*options: str, code: int = 0) -> str:
        done = stochmusic("generate", "music.smm", "-n", "1", "--seed", "5", *options)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr

    told("--backend", "numpy")
    assert "did you mean 'numba'" in told("--backend", "nunba", code=2)
    if _backends.present("numba"):
        assert "--backend numba has no say" in told("--backend", "numba", "--bars", "2", "--force")
    if not _backends.gpu()[0]:
        if not _backends._optional.available("cupy"):
            missing = told("--backend", "cupy", code=4)
            assert "gpu12" in missing
            assert "gpu13" in missing
        assert len(told("--backend", "cupy", code=4).strip().splitlines()) == 1
        assert len(told("--backend", "cupy", "--bars", "2", code=4).strip().splitlines()) == 1


def test_many_takes_are_told_in_sum(stochmusic, music_folder):
    assert stochmusic("fit", "music", "-m", "markov", "--set", "order=1").returncode == 0
    done = stochmusic("generate", "music.smm", "-n", "13", "--seed", "5", "--json")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["files"]) == 13
    assert "music-s5-10.mid: " in done.stderr
    assert "music-s5-11.mid: " not in done.stderr
    assert "... and 3 more" in done.stderr
