"""contentvec.Voice and Converter, and what stands over them: that the library's results arrive."""

import pickle

import numpy as np
import pytest
from conftest import HAS_FAISS, ROOT, turns_during

import contentvec
from contentvec.mlx_rvc import RVCPipeline, convert_voice
from contentvec.rvc import Pipeline, Retriever, get_synthesizer

CONFIGS = ROOT / "tests/oracle-rvc/configs"
SPEECH = ROOT / "tests/data/audio/speech.flac"


def synthetic(config):
    return f"synthetic:{CONFIGS / config}.json"


@pytest.fixture(scope="module")
def voice():
    return contentvec.Voice(synthetic("tiny-v2-48k"), threads=2)


@pytest.fixture(scope="module")
def model():
    return contentvec.load(synthetic("pipeline-hubert-v2"), threads=2)


@pytest.fixture(scope="module")
def pitch():
    return contentvec.PitchEstimator(synthetic("tiny-rmvpe"), threads=2)


@pytest.fixture(scope="module")
def converter(model, voice, pitch):
    return contentvec.Converter(model, voice, pitch)


@pytest.fixture
def features():
    return (np.random.default_rng(3).standard_normal((30, 768)) * 0.3).astype(np.float32)


def test_says_what_it_is(voice):
    info = voice.info
    assert (info.version, info.sample_rate, info.pitch, info.feature_dim) == ("v2", 48000, True, 768)
    assert (info.layer, info.final_proj) == (None, False)
    first_version = contentvec.inspect_voice(synthetic("tiny-v1-40k"))
    assert (first_version.layer, first_version.final_proj) == (9, True)
    assert info.samples_per_frame == 480 and info.speakers > 0 and info.parameters > 0
    assert contentvec.inspect_voice(synthetic("tiny-v2-48k")).speakers == info.speakers
    assert "v2, 48000 Hz" in repr(voice) and voice.threads == 2
    assert pickle.loads(pickle.dumps(voice)).info.source == info.source


def test_synthesizes_reproducibly(voice, features):
    f0 = np.full(30, 220, np.float32)
    samples = voice.synthesize(features, f0, seed=4)
    assert samples.shape == (30 * 480,) and samples.dtype == np.float32
    np.testing.assert_array_equal(voice.synthesize(features, f0, seed=4), samples)
    assert (voice.synthesize(features, f0) != samples).any()
    assert voice.synthesize(features, f0, skip_frames=10, keep_frames=5, stretch_to=6).shape == (6 * 480,)


def test_wrong_input_is_an_error(voice, features):
    with pytest.raises(contentvec.Error, match="expected \\[frames, 768\\]"):
        voice.synthesize(features[0], np.zeros(1))
    with pytest.raises(contentvec.Error, match="takes 768"):
        voice.synthesize(features[:, :700], np.zeros(30))
    with pytest.raises(contentvec.Error):
        voice.synthesize(features)
    with pytest.raises(contentvec.Error, match="seed"):
        voice.synthesize(features, np.zeros(30), seed=-1)
    with pytest.raises(contentvec.Error):
        contentvec.Voice(ROOT / "tests/oracle/checkpoints/tiny.fairseq.pt")


def test_converts(converter, tmp_path):
    waveform = contentvec.load_audio(SPEECH)[:24000]
    told = []
    converted = converter.convert(waveform, key=3, seed=9, progress=told.append)
    assert converted.sample_rate == 48000 and converted.seed == 9
    assert abs(len(converted.waveform) - 3 * len(waveform)) <= 960
    assert len(converted.pitch.f0) == len(converted.pitch.confidence) > 0
    assert told and told[-1] == 1
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(converter)).convert(waveform, key=3, seed=9)[0], converted[0])
    own = converter.convert(waveform, f0=np.full(len(waveform) // 160 + 1, 200.0), seed=9)
    assert (own.waveform[:1000] != converted.waveform[:1000]).any()
    (tmp_path / "link.wav").symlink_to(SPEECH)
    with pytest.raises(contentvec.Error, match="the recording itself"):
        converter.convert_file(SPEECH, tmp_path / "link.wav")
    file = converter.convert_file(SPEECH, tmp_path / "out.wav", key=3, output_rate=16000)
    assert file.sample_rate == 16000
    assert abs(len(contentvec.load_audio(tmp_path / "out.wav")) - len(file.waveform)) == 0


def test_what_progress_raises_ends_it(converter):
    def stop(done):
        raise KeyError(done)

    with pytest.raises(KeyError):
        converter.convert(np.zeros(16000, np.float32), progress=stop)
    with pytest.raises(contentvec.Error, match="unvoiced"):
        converter.convert(np.zeros(16000, np.float32), unvoiced="both")


def test_other_threads_run_meanwhile(converter):
    waveform = np.random.default_rng(1).standard_normal(160000).astype(np.float32) * 0.1
    assert turns_during(lambda: converter.convert(waveform)) > 2


def test_parts_that_do_not_fit_are_refused(model):
    with pytest.raises(contentvec.Error):
        contentvec.Converter(model, contentvec.Voice(synthetic("tiny-v1-40k")))


def test_write_audio(tmp_path):
    samples = np.linspace(-0.5, 0.5, 1600, dtype=np.float32)
    contentvec.write_audio(tmp_path / "a.wav", samples, 16000, encoding="float")
    np.testing.assert_array_equal(contentvec.load_audio(tmp_path / "a.wav"), samples)
    with pytest.raises(contentvec.Error, match="pcm16, pcm24 or float"):
        contentvec.write_audio(tmp_path / "a.wav", samples, 16000, encoding="mp3")


def test_mlx_rvcs_pipeline(voice, model, pitch, tmp_path):
    pipeline = RVCPipeline(voice, model, pitch=pitch)
    out = tmp_path / "out.wav"
    samples = pipeline.convert(SPEECH, out, f0_shift=2, f0_method="rmvpe")
    assert out.exists() and pipeline.sample_rate == 48000 and samples.ndim == 1
    with pytest.raises(contentvec.Error, match="f0_method"):
        pipeline.convert(SPEECH, out, f0_method="crepe")
    try:
        import pyworld  # noqa: F401
    except ImportError:
        with pytest.warns(UserWarning, match="pyworld"):
            pipeline.convert(SPEECH, out)
    with pytest.raises(contentvec.Error):
        convert_voice(SPEECH, out, tmp_path / "none.pth")


def test_mlx_rvcs_pipeline_has_the_model_for_the_voice(monkeypatch, model):
    names = []
    monkeypatch.setattr("contentvec.mlx_rvc.load", lambda name: names.append(name) or model)
    for config in ("tiny-v1-40k", "tiny-v2-48k"):
        RVCPipeline.from_pretrained(synthetic(config))
    RVCPipeline.from_pretrained(synthetic("tiny-v1-40k"), "mine.pt")
    assert names == ["rvc-hubert-base", "contentvec", "mine.pt"]


def test_rvcs_pipeline(voice, model, pitch, monkeypatch, tmp_path):
    net_g, cpt = get_synthesizer(synthetic("tiny-v2-48k"))
    assert cpt["config"][-1] == 48000 and cpt["config"][-3] == voice.info.speakers
    assert (cpt["f0"], cpt["version"]) == (1, "v2")
    pipeline = Pipeline(48000)
    pipeline._estimators["rmvpe"] = pitch
    audio = contentvec.load_audio(SPEECH)[:24000]
    times = [0.0, 0.0, 0.0]
    samples = pipeline.pipeline(
        model, net_g, 0, audio, times, 2, "rmvpe", "", 0.75, 1, 48000, 0, 0.5, "v2", 0.33
    )
    assert samples.dtype == np.int16 and abs(len(samples) - 72000) <= 960 and times[2] > 0
    with pytest.raises(ValueError, match="rmvpe"):
        pipeline.pipeline(model, net_g, 0, audio, times, 2, "pm", "", 0.75, 1, 48000, 0, 1, "v2", 0.33)


def test_rvcs_net_g(features):
    net_g, _ = get_synthesizer(synthetic("tiny-v2-48k"))
    net_g = net_g.eval().to("cpu").float()
    f0 = np.full((1, 30), 200, np.float32)
    arguments = (features[None], np.array([30]), contentvec.coarse_pitch(f0)[None], f0, np.array([0]))
    audio, _, _ = net_g.infer(*arguments)
    assert audio.shape == (1, 1, 30 * 480)
    window = (np.array([10]), np.array([12]), np.array([15]))
    assert net_g.infer(*arguments, *window)[0].shape == (1, 1, 15 * 480)
    with pytest.raises(contentvec.Error, match="phone"):
        net_g.infer(features, *arguments[1:])


@pytest.mark.skipif(not HAS_FAISS, reason="built without FAISS")
def test_a_retriever_changes_the_features(model, voice, pitch):
    waveform = contentvec.load_audio(SPEECH)[:24000]
    vectors = np.random.default_rng(5).standard_normal((200, 768)).astype(np.float32)
    with_index = contentvec.Converter(model, voice, pitch, Retriever.build(vectors))
    plain = with_index.convert(waveform, index_rate=0, seed=1).waveform
    assert (with_index.convert(waveform, index_rate=1, seed=1).waveform != plain).any()
