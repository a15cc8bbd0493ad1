"""ContentvecModel behaves as mlx-contentvec's class."""

import numpy as np
import pytest
from conftest import ORACLE, assert_golden, read_safetensors

import contentvec
from contentvec import ContentvecModel

CHECKPOINT = ORACLE / "checkpoints/tiny.mlx.safetensors"
TINY = dict(
    conv_feature_layers="[(24,10,5)] + [(24,3,2)] * 4 + [(24,2,2)] * 2",
    encoder_embed_dim=48,
    encoder_ffn_embed_dim=112,
    encoder_attention_heads=4,
    encoder_layers=3,
    encoder_layers_1=0,
    conv_pos=16,
    conv_pos_groups=4,
)


@pytest.fixture(scope="module")
def model():
    made = ContentvecModel(**TINY, threads=2)
    made.load_weights(CHECKPOINT)
    return made.eval()


def test_three_seconds_give_149_frames(noise):
    """mlx-contentvec's README example, with NumPy's arrays; weights made up."""
    model = ContentvecModel.from_pretrained(weights_path="synthetic:base")
    audio = noise(3 * 16000)
    source = np.array(audio).reshape(1, -1)
    result = model(source)
    assert result["x"].shape == (1, 149, 768)
    assert result["padding_mask"] is None


def test_results_are_the_references(model):
    golden, metadata = read_safetensors(ORACLE / "golden/tiny.16000.safetensors")
    source = golden["waveform"]
    assert_golden(model(source)["x"], golden["features"], metadata, "features")
    assert_golden(model(source, output_layer=1)["x"], golden["layer_1"], metadata, "layer_1")
    assert_golden(model.extract_features(source, ret_conv=True)[0], golden["projected"], metadata, "projected")
    assert np.array_equal(model(source[0])["x"], model(source)["x"])
    assert np.array_equal(model(source, np.ones((1, 256)), mask=True, tap=True)["x"], model(source)["x"])


def test_the_speaker_reaches_a_conditioned_model():
    golden, metadata = read_safetensors(ORACLE / "golden/tiny-speaker.16000.safetensors")
    model = ContentvecModel.from_pretrained(weights_path=ORACLE / "checkpoints/tiny-speaker.contentvec.pt")
    features = model(golden["waveform"], golden["speaker_embedding"])["x"]
    assert_golden(features, golden["features"], metadata, "features")


def test_without_a_speaker_it_is_zeros():
    golden, _ = read_safetensors(ORACLE / "golden/tiny-speaker.16000.safetensors")
    model = ContentvecModel.from_pretrained(weights_path=ORACLE / "checkpoints/tiny-speaker.contentvec.pt")
    zeros = np.zeros((1, model.config.speaker_dim), np.float32)
    assert np.array_equal(model(golden["waveform"])["x"], model(golden["waveform"], zeros)["x"])


def test_base_weights_go_into_a_model_that_was_to_have_speaker_layers(model, noise):
    """As mlx-contentvec's own feature dump has it; three such layers are its default."""
    source = noise(2000)[None]
    for asked in [{k: v for k, v in TINY.items() if k != "encoder_layers_1"}, {**TINY, "encoder_layers_1": 3}]:
        made = ContentvecModel(**asked)
        assert made.config.encoder_layers_1 == 3
        made.load_weights(CHECKPOINT)
        assert made.config.encoder_layers_1 == 0
        assert np.array_equal(made(source)["x"], model(source)["x"])
    speaker = ContentvecModel.from_pretrained(weights_path=ORACLE / "checkpoints/tiny-speaker.contentvec.pt")
    assert speaker.config.encoder_layers_1 > 0


def test_a_model_has_the_parts_and_methods_of_a_module(model, tmp_path, noise):
    fresh = ContentvecModel(**TINY)
    assert fresh.post_extract_proj is not None and ContentvecModel(encoder_embed_dim=512, encoder_attention_heads=8).post_extract_proj is None
    for part in ("feature_extractor", "layer_norm", "post_extract_proj", "encoder"):
        assert part in repr(getattr(fresh, part))
        with pytest.raises(contentvec.Error, match="weights yet"):
            getattr(fresh, part).parameters()
    tensors, _ = read_safetensors(CHECKPOINT)
    parameters = model.parameters()
    assert set(parameters) == {"feature_extractor", "layer_norm", "post_extract_proj", "encoder"}
    assert np.array_equal(parameters["encoder"]["layers"][2]["fc1"]["weight"], tensors["encoder.layers.2.fc1.weight"])
    assert np.array_equal(model.layer_norm.parameters()["bias"], parameters["layer_norm"]["bias"])
    assert model.training is False and model.train(False) is model.eval() is model
    for call, message in [
        (model.train, "trained"),
        (lambda: model.forward_features(noise(1000)[None]), "ret_conv"),
        (lambda: model.encoder(noise(1000)), "part of the model"),
        (lambda: model(noise(399)[None]), "399"),
    ]:
        with pytest.raises(contentvec.Error, match=message):
            call()


def test_saved_weights_load_again(model, tmp_path, noise):
    model.save_weights(tmp_path / "saved.safetensors")
    made = ContentvecModel(**TINY)
    made.load_weights(tmp_path / "saved.safetensors")
    assert np.array_equal(made(noise(2000)[None])["x"], model(noise(2000)[None])["x"])
    model.save_weights(tmp_path / "saved.npz")
    flat = np.load(tmp_path / "saved.npz")
    assert np.array_equal(flat["layer_norm.weight"], model.parameters()["layer_norm"]["weight"])
    with pytest.raises(ValueError, match="npz"):
        model.save_weights(tmp_path / "saved.pt")


def test_waveforms_are_never_normalised(noise):
    weights = ORACLE / "checkpoints/tiny-large.hf"
    direct = contentvec.load(weights)
    assert direct.config.normalize
    features = ContentvecModel.from_pretrained(weights_path=weights)(noise(2000))["x"][0]
    assert np.array_equal(features, direct.extract(noise(2000), normalize=False))
    assert not np.array_equal(features, direct.extract(noise(2000)))


def test_options_reach_the_model(model, noise):
    made = ContentvecModel(**TINY, dtype="bf16")
    made.load_weights(CHECKPOINT)
    half = made(noise(2000))["x"]
    assert not np.array_equal(half, model(noise(2000))["x"])
    fairseq = ORACLE / "checkpoints/tiny.fairseq.pt"
    opened = ContentvecModel.from_pretrained(weights_path=fairseq, dtype="bf16")
    assert np.array_equal(opened(noise(2000))["x"], half)
    for wrong, message in [({"device": "tpu"}, '"tpu"'), ({"threads": -1}, "threads")]:
        with pytest.raises(contentvec.Error, match=message):
            ContentvecModel(**TINY, **wrong).load_weights(CHECKPOINT)
        with pytest.raises(contentvec.Error, match=message):
            ContentvecModel.from_pretrained(weights_path=fairseq, **wrong)


def test_a_padded_row_gives_what_it_gives_alone():
    golden, metadata = read_safetensors(ORACLE / "golden/tiny-masked.batch.safetensors")
    model = ContentvecModel.from_pretrained(weights_path=f"synthetic:{ORACLE}/configs/tiny-masked.json")
    source, padding = golden["waveform"], golden["waveform_padding_mask"]
    result = model(source, padding_mask=padding)
    assert np.array_equal(result["padding_mask"], golden["padding_mask"])
    for row, one, pad, frames_pad, reference in zip(
        result["x"], source, padding, golden["padding_mask"], golden["features"]
    ):
        assert np.array_equal(row[~frames_pad], model(one[~pad])["x"][0])
        assert not row[frames_pad].any()
        assert_golden(row[~frames_pad][None], reference[~frames_pad][None], _batch_error(), "features")


def _batch_error():
    return read_safetensors(ORACLE / "golden/tiny-masked.16000.safetensors")[1]


def test_the_mask_is_as_long_as_the_longest_row(model, noise):
    padding = np.zeros((2, 2000), bool)
    padding[0, 1000:] = padding[1, 1500:] = True
    result = model(np.stack([noise(2000), noise(2000, 1)]), padding_mask=padding)
    assert result["x"].shape == (2, 4, 48)
    assert result["padding_mask"].tolist() == [[False, False, True, True], [False] * 4]


def test_refuses_what_it_cannot_compute(model, noise, tmp_path):
    source = noise(2000)[None]
    left = np.zeros((1, 2000), bool)
    left[0, :10] = True
    for call, message in [
        (lambda: model(source, padding_mask=left), "end of a row"),
        (lambda: model(source, padding_mask=left[:, :5]), "shape"),
        (lambda: model(source, padding_mask=np.ones((1, 2000), bool)), "0 samples"),
        (lambda: model(source, output_layer=4), "1 to 3"),
        (lambda: model(source, output_layer=0), "1 to 3"),
        (lambda: model(source[None]), r"\[1, 1, 2000\]"),
        (lambda: ContentvecModel()(source), "load_weights"),
        (lambda: ContentvecModel(activation_fn="relu"), "gelu"),
        (lambda: ContentvecModel(conv_feature_layers="__import__('os')"), "conv_feature_layers"),
        (lambda: ContentvecModel(conv_feature_layers="[(1,1,1)] * 10**9"), "conv_feature_layers"),
        (lambda: ContentvecModel().load_weights(CHECKPOINT), "shape|expected"),
    ]:
        with pytest.raises(contentvec.Error, match=message):
            call()
    with pytest.raises(FileNotFoundError, match="absent"):
        model.load_weights(tmp_path / "absent.safetensors")
    with pytest.raises(FileNotFoundError, match="absent"):
        ContentvecModel.from_pretrained(weights_path=tmp_path / "absent.safetensors")


def test_torch_tensors_give_torch_tensors(model, noise):
    torch = pytest.importorskip("torch")
    source = torch.from_numpy(noise(2000)[None])
    mask = torch.zeros(1, 2000, dtype=torch.bool)
    result = model(source.requires_grad_(), padding_mask=mask)
    assert isinstance(result["x"], torch.Tensor) and result["padding_mask"].dtype == torch.bool
    assert np.array_equal(result["x"].numpy(), model(noise(2000)[None])["x"])
    assert torch.equal(model(source)["x"], result["x"])
