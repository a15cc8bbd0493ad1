"""The extension's own functions, which check too: whatever they are given, they raise and never crash."""

import subprocess
import sys

import numpy as np
import pytest
from conftest import HAS_FAISS, ORACLE, ROOT

import contentvec
from contentvec import _core

HUB = _core.HubOptions(None, None, None, True, None)
REFUSED = (contentvec.Error, TypeError, ValueError)


def refused(call):
    with pytest.raises(REFUSED):
        returned = call()
        pytest.fail(f"line {call.__code__.co_firstlineno} returned {returned}")


@pytest.fixture
def core(tiny):
    return tiny._core


def rows(frames, dim=48, dtype=np.float32):
    return np.zeros((1, frames, dim), dtype)


def test_extraction_takes_only_what_it_can(core, noise):
    wave = noise(1000)
    read_only = rows(2)
    read_only.flags.writeable = False
    for call in [
        lambda: core.extract([wave], []),
        lambda: core.extract([], []),
        lambda: core.extract([None], [-1]),
        lambda: core.extract(None, [-1]),
        lambda: core.extract([wave], None),
        lambda: core.extract([wave], [2**40]),
        lambda: core.extract([wave], [4]),
        lambda: core.extract([wave], [-2]),
        lambda: core.extract([wave[:0]], [-1]),
        lambda: core.extract([wave[None]], [-1]),
        lambda: core.extract([wave], [-1], False, None, np.zeros(7, np.float32)),
        lambda: core.extract_into(wave, rows(2), []),
        lambda: core.extract_into(wave, rows(3), [-1]),
        lambda: core.extract_into(wave, rows(0), [-1]),
        lambda: core.extract_into(wave, rows(2, 20), [-1]),
        lambda: core.extract_into(wave, rows(2), [-1, 1]),
        lambda: core.extract_into(wave, rows(2), [-1], True),
        lambda: core.extract_into(wave, rows(2)[0], [-1]),
        lambda: core.extract_into(wave, rows(2, dtype=np.float64), [-1]),
        lambda: core.extract_into(wave, read_only, [-1]),
        lambda: core.extract_into(wave, None, [-1]),
        lambda: core.extract_into(wave[:399], rows(0), [-1]),
        lambda: core.extract_long(wave, [], False, None, None, 60, 0),
        lambda: core.extract_long(wave[:399], [-1], False, None, None, 60, 0),
        lambda: core.extract_long(wave, [-1], False, None, None, -1, 0),
        lambda: core.extract_long(wave, [-1], False, None, None, float("nan"), 0),
        lambda: core.extract_long(wave, [-1], False, None, None, 60, 61),
        lambda: core.extract_long(wave, [9], False, None, None, 60, 0),
    ]:
        refused(call)


def test_a_model_without_final_proj_is_not_asked_for_it(noise, tmp_path):
    core = contentvec.load(ORACLE / "checkpoints/tiny.mlx.safetensors", config=_without_final_proj())._core
    for call in [
        lambda: core.extract([noise(1000)], [1], True),
        lambda: core.extract_into(noise(1000), rows(2, 0), [1], True),
        lambda: core.extract_long(noise(1000), [1], True, None, None, 60, 0),
    ]:
        with pytest.raises(contentvec.Error, match="final_proj"):
            call()


def _without_final_proj():
    text = contentvec.load(ORACLE / "checkpoints/tiny.fairseq.pt").config.to_json()
    return contentvec.ModelConfig.from_json(text.replace('"final_dim":20', '"final_dim":0'))


@pytest.mark.filterwarnings("ignore:nanobind")  # which says the same
@pytest.mark.parametrize("kind", ["Model", "ModelConfig", "ModelInfo", "DownloadProgress", "Retriever"])
def test_objects_that_were_never_made_are_refused(kind):
    made = getattr(_core, kind).__new__(getattr(_core, kind))
    for name in [name for name in dir(made) if not name.startswith("_")]:
        with pytest.raises(REFUSED):
            member = getattr(made, name)
            member()
    with pytest.raises(TypeError):
        getattr(_core, kind)()


def test_loading_takes_only_what_it_can(tmp_path):
    tiny = str(ORACLE / "checkpoints/tiny.fairseq.pt")
    for call in [
        lambda: _core.load(tiny, None, 1, "f32", "cpu", None),
        lambda: _core.load(tiny, None, -1, "f32", "cpu", HUB),
        lambda: _core.load(tiny, None, 2**40, "f32", "cpu", HUB),
        lambda: _core.load(tiny, None, 1, "f32", "", HUB),
        lambda: _core.load(tiny, None, 1, "f64", "cpu", HUB),
        lambda: _core.load("", None, 1, "f32", "cpu", HUB),
        lambda: _core.load("a\0b", None, 1, "f32", "cpu", HUB),
        lambda: _core.load(None, None, 1, "f32", "cpu", HUB),
        lambda: _core.from_pretrained("", "", 1, "f32", "cpu", HUB),
        lambda: _core.inspect("", None, HUB, True),
        lambda: _core.resolve("", HUB),
        lambda: _core.export_model(tiny, str(tmp_path / "x"), "pytorch", "f32", None, HUB),
        lambda: _core.export_model(tiny, str(tmp_path / "x"), "hf", "bf16", None, HUB),
        lambda: _core.export_model(tiny, str(tmp_path / "absent/x"), "hf", "f32", None, HUB),
        lambda: _core.export_model("", str(tmp_path / "x"), "hf", "f32", None, HUB),
        lambda: _core.weights("", "", "hf", None),
        lambda: _core.weights(tiny, "", "", None),
        lambda: _core.HubOptions(None, None, None, False, 3),
        lambda: _core.ModelConfig.from_json(""),
        lambda: _core.ModelConfig.__new__(_core.ModelConfig).__setstate__("[]"),
        lambda: contentvec.Model(None, None),
    ]:
        refused(call)


def test_audio_takes_only_what_it_can():
    for call in [
        lambda: _core.read_audio(""),
        lambda: _core.read_audio("/"),
        lambda: _core.read_audio("a\0b"),
        lambda: _core.read_audio_bytes(np.zeros(0, np.uint8), "nothing"),
        lambda: _core.read_audio_bytes(np.zeros(9, np.uint8), "zeros"),
        lambda: _core.read_audio_bytes(np.zeros(9, np.float32), "floats"),
        lambda: _core.read_audio_bytes(None, "None"),
    ]:
        refused(call)


@pytest.mark.skipif(not HAS_FAISS, reason="this build has no FAISS")
def test_retrieval_takes_only_what_it_can(tmp_path):
    index = _core.Retriever.open(str(ROOT / "tests/data/retrieval/added.index"))
    build = _core.Retriever.build
    for call in [
        lambda: build(np.zeros((0, 4), np.float32), 1),
        lambda: build(np.zeros((100, 0), np.float32), 1),
        lambda: build(np.zeros(100, np.float32), 1),
        lambda: build(np.zeros((100, 4), np.float32), -1),
        lambda: build(None, 1),
        lambda: index.blend(np.zeros((5, index.dim + 1), np.float32), 0.5),
        lambda: index.blend(np.zeros((5, 0), np.float32), 0.5),
        lambda: index.blend(np.zeros((5, index.dim), np.float32), float("nan")),
        lambda: index.blend(np.full((5, index.dim), np.inf, np.float32), 0.5),
        lambda: index.blend(None, 0.5),
        lambda: index.save(""),
        lambda: index.save(str(tmp_path / "absent/x")),
        lambda: _core.Retriever.open(""),
        lambda: _core.Retriever.build_from_folder("", 1),
    ]:
        refused(call)
    assert index.blend(np.zeros((0, index.dim), np.float32), 0.5).shape == (0, index.dim)


SCRIPT = """
import sys, threading, time
import numpy as np
import contentvec

def hold():
    model = contentvec.load("synthetic:base", threads=1)
    time.sleep(600)

def extract():
    model = contentvec.load("synthetic:base", threads=1)
    while True:
        model.extract(np.zeros(160000, np.float32))

threading.Thread(target={work}, daemon=True).start()
time.sleep(1)
sys.exit("it failed")
"""


@pytest.mark.parametrize("work", ["hold", "extract"])
def test_a_script_that_fails_says_only_why(work):
    """What a daemon thread still holds when the interpreter ends is no leak, and what it still computes no crash."""
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(work=work)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.returncode, ran.stderr) == (1, "it failed\n")
