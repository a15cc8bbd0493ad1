"""contentvec.rvc has the signatures and results of RVC's infer/hubert.py. Skipped without torch."""

import os

import numpy as np
import pytest
from conftest import ORACLE

import contentvec
from contentvec.rvc import HubertModelWithFinalProj

torch = pytest.importorskip("torch")


@pytest.fixture
def rvc(monkeypatch):
    import contentvec.rvc as module

    monkeypatch.setattr(module, "HUBERT_MODEL_PATH", ORACLE / "checkpoints/tiny.hf")
    return module


def test_v2_is_the_models_output_on_the_sources_device(rvc, noise):
    model = rvc.load_hubert_model("cpu")
    source = torch.from_numpy(noise(16000)[None])
    features = rvc.extract_hubert_features(model, source, "v2", padding_mask=torch.zeros(1, 16000, dtype=torch.bool))
    expected = contentvec.load(ORACLE / "checkpoints/tiny.hf").extract(noise(16000), normalize=False)
    assert features.dtype == torch.float32 and np.array_equal(features[0].numpy(), expected)
    half = rvc.extract_hubert_features(rvc.load_hubert_model(torch.device("cpu"), True), source.half(), "v2")
    assert half.dtype == torch.float16 and half.shape == features.shape


def test_waveforms_are_normalised_by_the_caller_alone(rvc, noise, monkeypatch):
    monkeypatch.setattr(rvc, "HUBERT_MODEL_PATH", ORACLE / "checkpoints/tiny-large.hf")
    model = rvc.load_hubert_model("cpu")
    features = rvc.extract_hubert_features(model, torch.from_numpy(noise(2000)[None]), "v2")
    assert rvc.hubert_audio_requires_normalization() is True
    assert np.array_equal(features[0].numpy(), model.model.extract(noise(2000), normalize=False))
    assert not np.array_equal(features[0].numpy(), model.model.extract(noise(2000)))


def test_the_checkpoint_is_where_rvc_keeps_it(rvc, monkeypatch, tmp_path):
    monkeypatch.delenv("CONTENTVEC_RVC_MODEL", raising=False)
    monkeypatch.chdir(tmp_path)
    folder, earlier = tmp_path / "assets/hubert_base", tmp_path / "assets/hubert/hubert_base.pt"
    assert rvc._model_path() == folder
    earlier.parent.mkdir(parents=True)
    earlier.touch()
    assert rvc._model_path() == earlier
    folder.mkdir()  # as RVC's window does when it starts
    assert rvc._model_path() == earlier
    (folder / "pytorch_model.bin").touch()
    assert rvc._model_path() == folder
    (tmp_path / "mine.pt").touch()
    monkeypatch.setenv("CONTENTVEC_RVC_MODEL", "mine.pt")
    assert rvc._model_path() == tmp_path / "mine.pt"


def test_a_model_of_the_hub_is_a_path_that_is_there(rvc, hub, monkeypatch):
    """RVC's extraction step looks at HUBERT_MODEL_PATH on the disk before it asks for the model."""
    monkeypatch.delattr(rvc, "HUBERT_MODEL_PATH")
    checkpoint = ORACLE / "checkpoints/tiny.fairseq.pt"
    monkeypatch.setenv("CONTENTVEC_RVC_MODEL", "rvc-hubert-base")
    with pytest.warns(UserWarning, match="CONTENTVEC_RVC_MODEL.*rvc-hubert-base"):
        assert str(rvc._model_path()) == "rvc-hubert-base"
    hub.publish("lj1995/VoiceConversionWebUI", "main", "1" * 40, {"hubert_base.pt": checkpoint})
    assert os.access(str(rvc.HUBERT_MODEL_PATH), os.F_OK)
    assert rvc.load_hubert_model("cpu").model.config.final_dim == 20


def test_asking_for_normalisation_loads_no_model(rvc, monkeypatch):
    monkeypatch.setattr(rvc, "load", lambda *_, **__: pytest.fail("a model was loaded"))
    monkeypatch.setattr("contentvec._core.load", lambda *_: pytest.fail("a model was loaded"))
    assert rvc.hubert_audio_requires_normalization() is False
    monkeypatch.setattr(rvc, "HUBERT_MODEL_PATH", ORACLE / "checkpoints/tiny-large.hf")
    assert rvc.hubert_audio_requires_normalization() is True


def test_v1_is_final_proj_of_layer_9(rvc, noise, monkeypatch):
    model = HubertModelWithFinalProj(contentvec.load("synthetic:base"))
    features = rvc.extract_hubert_features(model, torch.from_numpy(noise(8000)[None]), "v1")
    assert np.array_equal(features[0].numpy(), model.model.extract(noise(8000), layer=9, final_proj=True))
    assert features.shape == (1, 24, 256)


def test_padding_keeps_the_frames_of_the_source(rvc, noise):
    model = rvc.load_hubert_model("cpu")
    source = torch.from_numpy(np.stack([noise(2000), noise(2000, 1)]))
    mask = torch.zeros(2, 2000, dtype=torch.bool)
    mask[:, 1000:] = True
    features = rvc.extract_hubert_features(model, source, "v2", mask)
    assert features.shape == (2, 6, 48)
    alone = rvc.extract_hubert_features(model, source[:1, :1000], "v2")
    assert torch.equal(features[:1, :2], alone) and not features[:, 2:].any()


def test_refuses_other_versions_and_missing_models(rvc, noise, monkeypatch, tmp_path):
    with pytest.raises(ValueError, match="v3"):
        rvc.extract_hubert_features(rvc.load_hubert_model("cpu"), torch.from_numpy(noise(1000)[None]), "v3")
    assert rvc.hubert_audio_requires_normalization() is False
    monkeypatch.setattr(rvc, "HUBERT_MODEL_PATH", tmp_path / "absent")
    with pytest.raises(FileNotFoundError, match="absent"):
        rvc.load_hubert_model("cpu")
    monkeypatch.setattr(rvc, "HUBERT_MODEL_PATH", tmp_path)  # an empty folder
    with pytest.raises(FileNotFoundError, match="no HuBERT model"):
        rvc.load_hubert_model("cpu")


def test_rvcs_mps_is_the_gpu_where_there_is_one(rvc, monkeypatch):
    asked = []
    load = rvc.load
    monkeypatch.setattr(rvc, "load", lambda path, device: asked.append(device) or load(path, device=device))
    for device in ("cpu", "cuda:0", torch.device("mps"), "mps"):
        rvc.load_hubert_model(device)
    assert asked == ["cpu", "cpu", "auto", "auto"]
