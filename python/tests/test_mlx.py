"""mlx arrays in and out, and the MLX device, where the package was built with it (scripts/test-python --mlx)."""

import numpy as np
import pytest

import contentvec
from conftest import ORACLE, assert_golden, read_safetensors

mx = pytest.importorskip("mlx.core")
HAS_DEVICE = {device.name: device.available for device in contentvec.devices()}["mlx"]
needs_device = pytest.mark.skipif(not HAS_DEVICE, reason="this build has no MLX")

CHECKPOINT = ORACLE / "checkpoints/tiny.fairseq.pt"


@pytest.fixture(params=["cpu", pytest.param("mlx", marks=needs_device)])
def model(request):
    return contentvec.load(CHECKPOINT, device=request.param)


class NoNumPy:
    """Stands in for NumPy where no array is to go through it."""

    integer = np.integer

    def __getattr__(self, name):
        raise AssertionError(f"numpy.{name} was used")


def test_an_mlx_array_gives_an_mlx_array_without_numpy(model, noise, monkeypatch):
    waveform = noise(3000)
    expected = model.extract(waveform, layers=[1, 2])
    monkeypatch.setattr("contentvec._arrays.np", NoNumPy())
    monkeypatch.setattr("contentvec._model.np", NoNumPy())
    features = model.extract(mx.array(waveform), layers=[1, 2])
    assert isinstance(features, mx.array) and features.dtype == mx.float32
    assert np.array_equal(np.array(features), expected)


def test_strides_and_precision_of_mlx_arrays_do_not_matter(model, noise):
    waveform = noise(6000).astype(np.float16)
    expected = model.extract(waveform[::2].astype(np.float32))
    assert np.array_equal(np.array(model.extract(mx.array(waveform)[::2])), expected)


def test_a_waveform_of_integers_is_refused(model):
    with pytest.raises(contentvec.Error, match="int32.*divide"):
        model.extract(mx.arange(3000))


def test_the_drop_in_gives_mlx_arrays_with_and_without_a_mask(noise):
    model = contentvec.ContentvecModel.from_pretrained(weights_path=CHECKPOINT)
    source = np.stack([noise(3000, seed) for seed in range(2)])
    mask = np.zeros(source.shape, bool)
    mask[1, 1000:] = True
    expected = model(source, padding_mask=mask)
    result = model(mx.array(source), padding_mask=mx.array(mask))
    assert isinstance(result["x"], mx.array) and isinstance(result["padding_mask"], mx.array)
    assert np.array_equal(np.array(result["x"]), expected["x"])
    assert np.array_equal(np.array(result["padding_mask"]), expected["padding_mask"])
    assert np.array_equal(np.array(model(mx.array(source))["x"]), model(source)["x"])


@needs_device
def test_the_mlx_device_is_within_the_contract():
    tensors, metadata = read_safetensors(ORACLE / "golden/tiny.16000.safetensors")
    model = contentvec.load(ORACLE / "checkpoints/tiny.fairseq.pt", device="mlx")
    features = model.extract(tensors["waveform"][0], normalize=False)
    assert_golden(features, tensors["features"][0], metadata, "features")


@needs_device
def test_prepare_leaves_results_as_they_are(noise):
    waveform = noise(3000)
    model = contentvec.load(CHECKPOINT, device="mlx")
    expected = model.extract(waveform)
    model.prepare()
    model.prepare(len(waveform))
    assert np.array_equal(model.extract(waveform), expected)
    with pytest.raises(contentvec.Error, match="one frame"):
        model.prepare(10)


def test_tf32_is_for_cuda():
    with pytest.raises(contentvec.Error, match="TF32|tf32"):
        contentvec.load(CHECKPOINT, dtype="tf32")


@needs_device
def test_the_drop_in_runs_on_the_mlx_device(noise):
    source = noise(2000)[None]
    on_mlx, on_cpu = (
        contentvec.ContentvecModel.from_pretrained(weights_path=CHECKPOINT, device=device)(source)["x"]
        for device in ("mlx", "cpu")
    )
    assert 0 < np.abs(on_mlx - on_cpu).max() < 1e-4


def test_devices_say_what_is_missing():
    if not HAS_DEVICE:
        with pytest.raises(contentvec.Error, match="CONTENTVEC_MLX"):
            contentvec.load(CHECKPOINT, device="mlx")
    assert [device.name for device in contentvec.devices()] == ["auto", "cpu", "mlx", "gpu"]
