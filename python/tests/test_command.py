"""The command that the package brings, by its name and as a module."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from conftest import ORACLE, ROOT

import contentvec

COMMANDS = [
    pytest.param([sys.executable, "-m", "contentvec"], id="module"),
    pytest.param([str(pathlib.Path(sys.executable).with_name("contentvec"))], id="script"),
]
AUDIO = ROOT / "tests/data/audio/speech.flac"
MODEL = ORACLE / "checkpoints/tiny.fairseq.pt"


@pytest.fixture(params=COMMANDS)
def run(request):
    return lambda *arguments, **options: subprocess.run(
        [*request.param, *map(os.fspath, arguments)], capture_output=True, timeout=60, **options
    )


def test_it_extracts_what_the_library_does(run, tmp_path):
    done = run("extract", AUDIO, "--model", MODEL, "--out", tmp_path / "features.npy")
    assert done.returncode == 0, done.stderr
    features = contentvec.load(MODEL).extract(contentvec.load_audio(AUDIO))
    assert np.array_equal(np.load(tmp_path / "features.npy"), features)


def test_it_says_its_version_and_what_is_wrong(run):
    assert run("--version").stdout.decode().split() == ["contentvec", contentvec.__version__]
    absent = run("info", "absent.pt")
    assert absent.returncode == 1 and b"absent.pt" in absent.stderr and b"Traceback" not in absent.stderr
    assert run("info", "--nonsense").returncode == 2


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS's file names are UTF-8")
def test_names_need_not_be_utf8(run, tmp_path):
    name = os.path.join(os.fsencode(tmp_path), b"caf\xe9.pt")
    os.symlink(MODEL, name)
    assert run("info", os.fsdecode(name)).returncode == 0
