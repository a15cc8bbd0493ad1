"""Models by name, against a hub in this process: where a download held the interpreter, it would not be answered."""

import io
import sys
import threading
import time
import types

import numpy as np
import pytest
from conftest import ORACLE, assert_golden, read_safetensors

import contentvec
import contentvec._progress
from contentvec import ContentvecModel

SPEC = "org/tiny/hubert_base.pt"
FILE = ORACLE / "checkpoints/tiny.fairseq.pt"
FIRST, SECOND = "1" * 40, "2" * 40


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def small_files_are_shown(monkeypatch):
    monkeypatch.setattr(contentvec._progress, "WORTH_SHOWING", 1)


@pytest.fixture
def tiny_hub(hub):
    hub.publish("org/tiny", "main", FIRST, {"hubert_base.pt": FILE})
    return hub


@pytest.fixture
def default_hub(hub):
    """The default model's repository, with the tiny model in it."""
    files = {
        contentvec.HF_WEIGHTS_FILE: ORACLE / "checkpoints/tiny.mlx.safetensors",
        "config.json": ORACLE / "checkpoints/tiny.hf/config.json",
    }
    hub.publish(contentvec.HF_REPO_ID, "main", FIRST, files)
    return hub


def test_a_model_is_downloaded_once_into_huggingface_hubs_cache(tiny_hub, noise):
    model = contentvec.load(SPEC, threads=1)
    assert np.array_equal(model.extract(noise(2000)), contentvec.load(FILE, threads=1).extract(noise(2000)))
    repo = tiny_hub.cache / "models--org--tiny"
    assert (repo / "refs/main").read_text() == FIRST
    assert (repo / "snapshots" / FIRST / "hubert_base.pt").read_bytes() == FILE.read_bytes()
    assert (repo / "snapshots" / FIRST / "hubert_base.pt").resolve().parent == repo / "blobs"
    contentvec.load(SPEC, threads=1)
    assert len(tiny_hub.requests("cdn")) == 1
    asked = len(tiny_hub.requests())
    contentvec.load(SPEC, threads=1, local_files_only=True)
    assert len(tiny_hub.requests()) == asked


def test_a_cache_made_by_another_program_is_read(hub, tmp_path):
    repo = tmp_path / "other/models--org--tiny"
    for folder in ("refs", "blobs", f"snapshots/{FIRST}"):
        (repo / folder).mkdir(parents=True)
    (repo / "refs/main").write_text(FIRST)
    (repo / "blobs/abc").write_bytes(FILE.read_bytes())
    (repo / f"snapshots/{FIRST}/hubert_base.pt").symlink_to("../../blobs/abc")
    model = contentvec.load("org/tiny", cache_dir=tmp_path / "other", local_files_only=True)
    assert model.config.layers == 3
    assert not hub.requests()


def test_an_empty_cache_says_what_is_missing(tiny_hub):
    message = r"cache .* has no hubert_base.pt of org/tiny at revision main.*only local files.*Download it once"
    with pytest.raises(contentvec.Error, match=message):
        contentvec.load(SPEC, local_files_only=True)
    with pytest.raises(contentvec.Error, match="has no contentvec_base.safetensors of lexandstuff/mlx-contentvec"):
        ContentvecModel.from_pretrained(local_files_only=True)
    assert not tiny_hub.requests()


def test_the_revision_is_the_callers(tiny_hub):
    tiny_hub.publish("org/tiny", "v2", SECOND, {"hubert_base.pt": ORACLE / "checkpoints/tiny-speaker.contentvec.pt"})
    assert contentvec.load(SPEC).config.encoder_layers_1 == 0
    assert contentvec.load(SPEC, revision="v2").config.encoder_layers_1 > 0
    assert contentvec.load(SPEC, revision=SECOND).info.source.endswith(f"{SECOND}/hubert_base.pt")
    assert contentvec.load(f"{SPEC}@v2").config.encoder_layers_1 > 0
    with pytest.raises(contentvec.Error, match='"v2" and "main"'):
        contentvec.load(f"{SPEC}@v2", revision="main")
    with pytest.raises(contentvec.Error, match='no revision "v3"'):
        contentvec.load(SPEC, revision="v3")


def test_the_token_is_the_callers(tiny_hub, monkeypatch):
    (tiny_hub.folder / "org/tiny/token").write_text("hf_secret")
    with pytest.raises(contentvec.Error, match="401.*HF_TOKEN"):
        contentvec.load(SPEC)
    monkeypatch.setenv("HF_TOKEN", "hf_other")
    with pytest.raises(contentvec.Error, match="403"):
        contentvec.load(SPEC)
    with pytest.raises(contentvec.Error, match="401"):
        contentvec.load(SPEC, token="")
    contentvec.load(SPEC, token="hf_secret")
    assert tiny_hub.requests("hub")[-1]["token"] == "Bearer hf_secret"
    assert [request["token"] for request in tiny_hub.requests("cdn")] == [None]


def test_from_pretrained_takes_the_default_model_of_the_hub(default_hub, tmp_path, monkeypatch):
    """Also where something is called so on this machine."""
    here = tmp_path / contentvec.HF_REPO_ID / contentvec.HF_WEIGHTS_FILE
    here.parent.mkdir(parents=True)
    here.write_text("no model")
    monkeypatch.chdir(tmp_path)
    golden, metadata = read_safetensors(ORACLE / "golden/tiny.16000.safetensors")
    model = ContentvecModel.from_pretrained(threads=1)
    assert_golden(model(golden["waveform"])["x"], golden["features"], metadata, "features")


def test_from_pretrained_passes_everything_on(default_hub, tmp_path):
    default_hub.publish("org/tiny", "v2", SECOND, {"hubert_base.pt": FILE})
    (default_hub.folder / "org/tiny/token").write_text("hf_secret")
    options = dict(repo_id="org/tiny", filename="hubert_base.pt", revision="v2", cache_dir=tmp_path / "mine", threads=1)
    with pytest.raises(contentvec.Error, match="401"):
        ContentvecModel.from_pretrained(**options)
    model = ContentvecModel.from_pretrained(**options, token="hf_secret")
    assert model.config.layers == 3
    assert (tmp_path / f"mine/models--org--tiny/snapshots/{SECOND}/hubert_base.pt").exists()
    assert not default_hub.cache.exists()
    asked = len(default_hub.requests())
    ContentvecModel.from_pretrained(**options, local_files_only=True)
    assert len(default_hub.requests()) == asked
    with pytest.raises(contentvec.Error, match='dtype is "f64"'):
        ContentvecModel.from_pretrained(**options, dtype="f64")
    with pytest.raises(contentvec.Error, match='device is "tpu"'):
        ContentvecModel.from_pretrained(**options, device="tpu")


def test_rvc_takes_a_name_of_the_hub(tiny_hub, monkeypatch):
    from contentvec import rvc

    monkeypatch.setenv("CONTENTVEC_RVC_MODEL", SPEC)
    monkeypatch.setattr(rvc, "HUBERT_MODEL_PATH", rvc._model_path())
    assert rvc.load_hubert_model("cpu").model.config.layers == 3
    assert rvc.hubert_audio_requires_normalization() is False
    assert len(tiny_hub.requests("cdn")) == 1


def test_progress_goes_from_nothing_to_all(tiny_hub, monkeypatch, small_files_are_shown):
    """And takes the bar's place."""
    monkeypatch.setattr(sys, "stderr", Terminal())
    told = []
    contentvec.load(SPEC, progress=told.append)
    of_the_file = [now for now in told if now.total > 0]
    assert {(now.repo, now.file) for now in of_the_file} == {("org/tiny", "hubert_base.pt")}
    done = [now.done for now in of_the_file]
    assert done[0] == 0 and done == sorted(done) and done[-1] == FILE.stat().st_size == of_the_file[-1].total
    assert not any(now.waiting for now in told)
    assert sys.stderr.getvalue() == ""


def test_what_progress_raises_ends_the_download_which_goes_on_later(tiny_hub):
    tiny_hub.fail(on="hubert_base", at="cdn", slow=0.3)

    def stop(now):
        if now.done > 0:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        contentvec.load(SPEC, progress=stop)
    assert not list(tiny_hub.cache.rglob("hubert_base.pt"))
    tiny_hub.heal()
    contentvec.load(SPEC)
    assert [request["range"] is None for request in tiny_hub.requests("cdn")] == [True, False]


@pytest.mark.parametrize("progress", [None, lambda now: None], ids=["alone", "with progress"])
def test_ctrl_c_ends_a_download(tiny_hub, progress, ctrl_c):
    """Without a look at signals it would try four times, each for ten seconds, and raise Error."""
    tiny_hub.fail(on="hubert_base", at="cdn", stall=70000)

    def interrupt():
        while not tiny_hub.requests("cdn"):
            time.sleep(0.01)
        ctrl_c()

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        contentvec.load(SPEC, progress=progress)
    assert len(tiny_hub.requests("cdn")) == 1
    tiny_hub.heal()
    assert contentvec.load(SPEC).config.layers == 3


def test_a_terminal_shows_a_bar(default_hub, monkeypatch, small_files_are_shown):
    pytest.importorskip("tqdm")
    monkeypatch.setattr(sys, "stderr", Terminal())
    ContentvecModel.from_pretrained()
    lines = sys.stderr.getvalue().split("\n")
    assert [("contentvec_base.safetensors" in line, "config.json" in line) for line in lines] == [
        (True, False),
        (False, True),
        (False, False),
    ]
    assert all("100%" in line for line in lines[:2])


def test_small_files_have_no_bar(tiny_hub, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    contentvec.load(SPEC)
    assert sys.stderr.getvalue() == ""


@pytest.mark.parametrize("absent", ["terminal", "tqdm", "stderr"])
def test_no_bar(tiny_hub, monkeypatch, small_files_are_shown, absent):
    stderr = {"terminal": io.StringIO(), "tqdm": Terminal(), "stderr": None}[absent]
    monkeypatch.setattr(sys, "stderr", stderr)
    if absent == "tqdm":
        monkeypatch.setitem(sys.modules, "tqdm", None)
    assert contentvec.load(SPEC).config.layers == 3
    assert stderr is None or stderr.getvalue() == ""


def test_the_bar_follows_a_download_that_waits_and_starts_over(monkeypatch, small_files_are_shown):
    pytest.importorskip("tqdm")
    monkeypatch.setattr(sys, "stderr", Terminal())
    with contentvec._progress.download_bar(None) as bar:
        for done, waiting in [(0, True), (60, False), (10, False), (100, False)]:
            bar(types.SimpleNamespace(repo="o/r", file="f", done=done, total=100, waiting=waiting))
            assert bar._bar.n == done
            assert ("another process" in (bar._bar.postfix or "")) == waiting
    assert "100%" in sys.stderr.getvalue()
    assert sys.stderr.getvalue().endswith("\n")
