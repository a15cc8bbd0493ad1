"""HubertModelWithFinalProj, called as Applio, w-okada's voice changer and RVC call theirs."""

import sys
import types

import numpy as np
import pytest
from conftest import ORACLE

import contentvec
from contentvec.rvc import HubertModelWithFinalProj

CHECKPOINT = ORACLE / "checkpoints/tiny.fairseq.pt"


@pytest.fixture(scope="module")
def hubert():
    return HubertModelWithFinalProj.from_pretrained(CHECKPOINT)


CPU = types.SimpleNamespace(type="cpu")


class Tensor:
    """What this package asks of a torch tensor, over NumPy."""

    device = CPU

    def __init__(self, values):
        self.values = np.asarray(values)

    shape = property(lambda self: self.values.shape)
    dtype = property(lambda self: str(self.values.dtype))

    def detach(self):
        return self

    cpu = float = detach

    def is_floating_point(self):
        return self.values.dtype.kind == "f"

    def numpy(self):
        return self.values

    def to(self, what):
        return self if what is CPU else Tensor(self.values.astype(what))


@pytest.fixture
def torch(monkeypatch):
    """torch, or where it is not installed a stand-in of what is needed here."""
    try:
        import torch
    except ImportError:
        torch = types.ModuleType("torch")
        torch.Tensor, torch.from_numpy = Tensor, Tensor
        torch.float16, torch.float32 = "float16", "float32"
        monkeypatch.setitem(sys.modules, "torch", torch)
    return torch


def test_applio_finds_what_it_calls(torch, noise):
    """Its load_embedding, .to(device).float(), .eval(); model(feats)["last_hidden_state"]; final_proj for v1."""
    model = HubertModelWithFinalProj.from_pretrained(str(CHECKPOINT)).to("cpu").float().eval()
    feats = torch.from_numpy(noise(16000).reshape(1, -1))
    expected = contentvec.load(CHECKPOINT).extract(noise(16000))
    result = model(feats)["last_hidden_state"]
    assert isinstance(result, torch.Tensor)
    assert np.array_equal(result.numpy()[0], expected)
    v1 = model.final_proj(result)
    projected = contentvec.load(CHECKPOINT).extract(noise(16000), final_proj=True)
    assert isinstance(v1, torch.Tensor)
    np.testing.assert_allclose(v1.numpy()[0], projected, atol=1e-5)


def test_halves_come_as_halves(torch, noise):
    model = HubertModelWithFinalProj.from_pretrained(CHECKPOINT, torch_dtype=torch.float16)
    feats = torch.from_numpy(noise(1000).reshape(1, -1))
    assert model(feats)[0].dtype == torch.float16
    assert model.float().half().to("cpu", torch.float32)._dtype == "float32"


def test_numpy_arrays_need_no_torch(hubert, noise):
    source = noise(2000)[None]
    outputs = hubert(source, output_hidden_states=True, return_dict=True)
    direct = hubert.model.extract(source[0], layers="all")
    assert outputs.last_hidden_state is outputs["last_hidden_state"] is outputs[0] is outputs.hidden_states[-1]
    assert outputs.hidden_states[0] is None
    for layer in (1, 2, 3):
        assert np.array_equal(outputs.hidden_states[layer][0], direct[layer - 1])
    (last,) = hubert(source, return_dict=False)
    assert np.array_equal(last, outputs[0])
    projected = hubert.final_proj(outputs.hidden_states[2])
    np.testing.assert_allclose(projected[0], hubert.model.extract(source[0], layer=2, final_proj=True), atol=1e-5)


def test_fairseqs_way_of_calling(hubert, noise):
    """w-okada's, and RVC's and Applio's before transformers."""
    source = noise(2000)[None]
    padding_mask = np.zeros(source.shape, bool)
    logits = hubert.extract_features(source=source, padding_mask=padding_mask, output_layer=2)
    assert np.array_equal(logits[0][0], hubert.model.extract(source[0], layer=2)) and logits[1] is padding_mask
    assert hubert.final_proj(logits[0]).shape == (1, 6, 20)
    assert np.array_equal(hubert.extract_features(source)[0], hubert(source)[0])
    conv = hubert.extract_features(source, ret_conv=True)[0]
    assert np.array_equal(conv[0], hubert.model.extract(source[0], layer="projected"))


def test_a_padded_row_gives_what_it_gives_alone(hubert, noise):
    source = np.stack([noise(2000), noise(2000, 1)])
    attention = np.ones(source.shape, np.int64)
    attention[1, 1000:] = 0
    features = hubert(source, attention_mask=attention)["last_hidden_state"]
    assert np.array_equal(features[0], hubert.model.extract(source[0]))
    assert np.array_equal(features[1, :2], hubert.model.extract(source[1, :1000])) and not features[1, 2:].any()


def test_a_model_whose_output_is_normed_again_gives_that_as_its_last_state(noise):
    hubert = HubertModelWithFinalProj.from_pretrained(ORACLE / "checkpoints/tiny-large.hf")
    assert hubert.config.do_stable_layer_norm
    outputs = hubert(noise(2000)[None], output_hidden_states=True)
    assert np.array_equal(outputs[0][0], hubert.model.extract(noise(2000), normalize=False))
    assert np.array_equal(outputs.hidden_states[1][0], hubert.model.extract(noise(2000), layer=1, normalize=False))


def test_refuses_what_it_cannot_do(hubert, noise):
    source = noise(1000)[None]
    for call, error in [
        (lambda: hubert.train(), contentvec.Error),
        (lambda: hubert.requires_grad_(), contentvec.Error),
        (lambda: hubert(source, output_attentions=True), contentvec.Error),
        (lambda: hubert.final_proj(np.zeros((2, 20), np.float32)), contentvec.Error),
        (lambda: hubert(source)["logits"], KeyError),
        (lambda: hubert(source).logits, AttributeError),
        (lambda: HubertModelWithFinalProj.from_pretrained(CHECKPOINT, nonsense=1), TypeError),
        (lambda: HubertModelWithFinalProj.from_pretrained(CHECKPOINT, dtype="int8"), contentvec.Error),
        (lambda: HubertModelWithFinalProj.from_pretrained("absent/"), contentvec.Error),
    ]:
        with pytest.raises(error):
            call()
    assert hubert.train(False) is hubert.requires_grad_(False) is hubert.eval() is hubert and not hubert.training


def test_a_checkpoint_without_final_proj_has_none(noise):
    config = contentvec.load(CHECKPOINT).config.to_json().replace('"final_dim":20', '"final_dim":0')
    plain = contentvec.load(ORACLE / "checkpoints/tiny.mlx.safetensors", config=contentvec.ModelConfig.from_json(config))
    assert HubertModelWithFinalProj(plain).final_proj is None


def test_with_torch_it_says_its_dtype_and_device(hubert):
    torch = pytest.importorskip("torch")
    model = HubertModelWithFinalProj(hubert.model).to(torch.device("cpu"), torch.float16)
    (parameter,) = model.parameters()
    assert model.dtype == parameter.dtype == torch.float16 and model.device == parameter.device
    assert model.to(torch.zeros(1, dtype=torch.bfloat16)).dtype == torch.bfloat16
    assert model.to(dtype=torch.float32, device="cpu").double().dtype == torch.float64
