"""Arrays of every kind and shape, and where features are written."""

import numpy as np
import pytest
from conftest import ORACLE, ROOT

import contentvec


def test_a_channel_axis_of_one_is_no_axis(tiny, noise):
    wave = noise(2000)
    expected = tiny.extract(wave)
    assert np.array_equal(tiny.extract(wave[None]), expected)
    assert np.array_equal(tiny.extract(wave[:, None]), expected)
    assert np.array_equal(tiny.extract([wave[None], wave])[0], expected)
    assert np.array_equal(tiny.extract_long(wave[None]), expected)


@pytest.mark.parametrize("shape, axis", [((2, 1000), 0), ((1000, 2), 1)])
def test_stereo_is_told_what_to_do(tiny, shape, axis):
    with pytest.raises(contentvec.Error, match=rf"2 channels.*\.mean\({axis}\).*list"):
        tiny.extract(np.zeros(shape, np.float32))
    for shape in [(), (1, 1, 1000), (0, 2)]:
        with pytest.raises(contentvec.Error, match="expected \\[samples\\]"):
            tiny.extract(np.zeros(shape, np.float32))


def test_bfloat16_of_any_framework_is_taken(tiny, noise):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    half = noise(2000).astype(ml_dtypes.bfloat16)
    features = tiny.extract(half)
    assert features.dtype == np.float32 and np.array_equal(features, tiny.extract(half.astype(np.float32)))
    with pytest.raises(contentvec.Error, match="int4"):
        tiny.extract(np.zeros(1000, ml_dtypes.int4))


def test_torchs_bfloat16_is_taken(tiny, noise):
    torch = pytest.importorskip("torch")
    half = torch.from_numpy(noise(2000)).to(torch.bfloat16)
    features = tiny.extract(half)
    assert features.dtype == torch.float32 and torch.equal(features, tiny.extract(half.float()))
    kept = type("Subclass", (torch.Tensor,), {})
    assert isinstance(tiny.extract(torch.from_numpy(noise(2000)).as_subclass(kept)), torch.Tensor)


def test_jax_arrays_give_jax_arrays(tiny, noise):
    jax = pytest.importorskip("jax")
    wave = jax.numpy.asarray(noise(2000))
    features = tiny.extract([wave, wave.astype("bfloat16")])
    assert all(isinstance(one, jax.Array) for one in features)
    assert np.array_equal(np.asarray(features[0]), tiny.extract(noise(2000)))
    model = contentvec.ContentvecModel.from_pretrained(weights_path=ORACLE / "checkpoints/tiny.fairseq.pt")
    assert isinstance(model(wave[None])["x"], jax.Array)
    with pytest.raises(contentvec.Error, match="Tracer"):
        jax.jit(tiny.extract)(wave)


def test_an_array_of_an_unknown_package_is_read_and_gives_numpys(tiny, noise):
    wave = noise(1000)
    other = type("Other", (), {"__array__": lambda self, *_, **__: wave})()
    assert np.array_equal(tiny.extract(other), tiny.extract(wave))


def test_out_is_written_and_returned(tiny, noise):
    waves = [noise(2000), noise(1000, 1)]
    expected = tiny.extract(waves)
    outs = [np.full(one.shape, np.nan, np.float32) for one in expected]
    assert tiny.extract(waves[0], out=outs[0]) is outs[0] and np.array_equal(outs[0], expected[0])
    outs[0][:] = np.nan
    assert tiny.extract(waves, out=outs) is outs
    assert all(np.array_equal(out, one) for out, one in zip(outs, expected))
    stages = np.empty((2, 6, 48), np.float32)
    tiny.extract(waves[0], layers=[1, "projected"], out=stages)
    assert np.array_equal(stages, tiny.extract(waves[0], layers=[1, "projected"]))
    ring = np.zeros((20, 48), np.float32)
    tiny.extract(waves[0], out=ring[7:13])
    assert np.array_equal(ring[7:13], expected[0]) and not ring[:7].any() and not ring[13:].any()


def test_each_of_a_batch_has_its_speaker_in_out_too(noise):
    model = contentvec.load(ORACLE / "checkpoints/tiny-speaker.contentvec.pt")
    speakers = noise(2 * model.config.speaker_dim).reshape(2, -1)
    expected = model.extract([noise(1000)] * 2, speaker_embedding=speakers)
    outs = [np.empty_like(one) for one in expected]
    model.extract([noise(1000)] * 2, speaker_embedding=speakers, out=outs)
    assert np.array_equal(outs, expected) and not np.array_equal(outs[0], outs[1])


def test_out_that_cannot_be_written_is_refused(tiny, noise):
    read_only = np.zeros((2, 48), np.float32)
    read_only.flags.writeable = False
    for out, message in [
        (np.zeros((3, 48), np.float32), r"\[1, 3, 48\].*\[1, 2, 48\]"),
        (np.zeros((2, 48)), "float64"),
        (np.zeros((2, 96), np.float32)[:, ::2], "contiguous"),
        (read_only, "writable"),
        (np.zeros(96, np.float32), r"\[96\]"),
        (bytearray(384), "bytearray"),
        ([[0.0]], "list"),
    ]:
        with pytest.raises(contentvec.Error, match=message):
            tiny.extract(noise(1000), out=out)
    with pytest.raises(contentvec.Error, match="out has 1"):
        tiny.extract([noise(1000)] * 2, out=[np.zeros((2, 48), np.float32)])


def test_a_tensor_of_torch_is_written_in_place(tiny, noise):
    torch = pytest.importorskip("torch")
    out = torch.zeros(6, 48)
    assert tiny.extract(torch.from_numpy(noise(2000)), out=out) is out
    assert np.array_equal(out.numpy(), tiny.extract(noise(2000)))


def test_a_long_recording_is_cut_as_the_library_cuts_it(tiny, noise):
    wave = noise(16000 * 5)
    assert np.array_equal(tiny.extract_long(wave), tiny.extract(wave))
    cut = tiny.extract_long(wave, max_seconds=1, overlap_seconds=0.2, layers=[1, None])
    whole = tiny.extract(wave, layers=[1, None])
    assert cut.shape == whole.shape and not np.array_equal(cut, whole)
    assert np.corrcoef(cut.ravel(), whole.ravel())[0, 1] > 0.9
    assert np.array_equal(tiny.extract_long(wave, max_seconds=1, overlap_seconds=0.2), cut[1])
    with pytest.raises(contentvec.Error, match="pieces of -1 s"):
        tiny.extract_long(wave, max_seconds=-1)


def test_layers_are_numbered_from_one(tiny, noise):
    for layer in (0, -1, 2**40, True, "all", 1.0):
        with pytest.raises(contentvec.Error, match="layer"):
            tiny.extract(noise(1000), layer=layer)
    with pytest.raises(contentvec.Error, match="blocks are 1 to 3.*projected.*None"):
        tiny.extract(noise(1000), layers=[1, 0])
    with pytest.raises(contentvec.Error, match='layers is "projected"'):
        tiny.extract(noise(1000), layers="projected")
    assert np.array_equal(tiny.extract(noise(1000), layers=[None])[0], tiny.extract(noise(1000)))


def test_audio_comes_from_paths_bytes_and_files():
    path = ROOT / "tests/data/audio/speech.flac"
    expected = contentvec.load_audio(path)
    data = path.read_bytes()
    for source in (str(path), data, bytearray(data), memoryview(data)):
        assert np.array_equal(contentvec.load_audio(source), expected)
    with open(path, "rb") as file:
        assert np.array_equal(contentvec.load_audio(file), expected)
    with open(path, encoding="latin-1") as file, pytest.raises(contentvec.Error, match="flac.*rb"):
        contentvec.load_audio(file)
    for source, message in [(b"", "bytes given"), (b"nothing", "bytes given"), (3, "int"), (None, "NoneType")]:
        with pytest.raises(contentvec.Error, match=message):
            contentvec.load_audio(source)


def test_what_is_odd_about_a_file_is_a_warning(monkeypatch):
    samples = np.zeros(10, np.float32)
    monkeypatch.setattr("contentvec._core.read_audio", lambda path: (samples, ["it is cut short"]))
    with pytest.warns(UserWarning, match="a.wav: it is cut short") as seen:
        assert contentvec.load_audio("a.wav") is samples
    assert seen[0].filename == __file__
