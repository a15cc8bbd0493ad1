import hashlib
import json
import locale
import pickle
import re
import subprocess
import threading
import time

import numpy as np
import pytest
from conftest import HAS_FAISS, ORACLE, ROOT, assert_golden, read_safetensors, turns_during

import contentvec
from contentvec.rvc import Retriever


def test_version_is_cmakes():
    assert f"project(contentvec VERSION {contentvec.__version__} " in (ROOT / "CMakeLists.txt").read_text()


def test_layers_are_the_references(tiny):
    golden, metadata = read_safetensors(ORACLE / "golden/tiny.16000.safetensors")
    waveform = golden["waveform"][0]
    assert_golden(tiny.extract(waveform)[None], golden["features"], metadata, "features")
    assert_golden(tiny.extract(waveform, layer="projected")[None], golden["projected"], metadata, "projected")
    assert_golden(tiny.extract(waveform, layer=3, final_proj=True)[None], golden["final_proj"], metadata, "final_proj")
    layers = tiny.extract(waveform, layers="all")
    for layer in (1, 2, 3):
        assert_golden(layers[layer - 1][None], golden[f"layer_{layer}"], metadata, f"layer_{layer}")
        assert np.array_equal(layers[layer - 1], tiny.extract(waveform, layer=layer))
    assert np.array_equal(tiny.extract(waveform, layers=[3, 1]), layers[[2, 0]])
    for layer in (0, -1, 4, 2**40):
        with pytest.raises(contentvec.Error, match="blocks are 1 to 3"):
            tiny.extract(waveform, layer=layer)
        with pytest.raises(contentvec.Error, match="blocks are 1 to 3"):
            tiny.extract(waveform, layers=[1, layer])


def test_speaker_conditioned_model_is_the_references():
    model = contentvec.load(ORACLE / "checkpoints/tiny-speaker.contentvec.pt", threads=1)
    golden, metadata = read_safetensors(ORACLE / "golden/tiny-speaker.16000.safetensors")
    features = model.extract(golden["waveform"][0], speaker_embedding=golden["speaker_embedding"][0])
    assert_golden(features[None], golden["features"], metadata, "features")
    with pytest.raises(contentvec.Error, match="speaker embedding"):
        model.extract(golden["waveform"][0])


def test_batch_is_bit_for_bit_each_alone(tiny, noise):
    waveforms = [noise(n, seed=n) for n in (16000, 400, 7321, 48000, 401)]
    for waveform, features in zip(waveforms, tiny.extract(waveforms)):
        assert np.array_equal(features, tiny.extract(waveform))
    assert tiny.extract([]) == []


def test_any_floating_point_array_is_taken(tiny, noise):
    waveform = noise(2000)
    expected = tiny.extract(waveform)
    assert expected.dtype == np.float32 and expected.shape == (6, 48)
    assert np.array_equal(tiny.extract(waveform.astype(np.float64)), expected)
    strided = np.zeros(4000, np.float32)
    strided[::2] = waveform
    assert np.array_equal(tiny.extract(strided[::2]), expected)
    waveform.flags.writeable = False
    assert np.array_equal(tiny.extract(waveform), expected)


def test_torch_tensors_give_torch_tensors(tiny, noise):
    torch = pytest.importorskip("torch")
    one, other = torch.from_numpy(noise(2000)), noise(3000)
    features = tiny.extract(one)
    assert isinstance(features, torch.Tensor) and np.array_equal(features.numpy(), tiny.extract(noise(2000)))
    batch = tiny.extract([one, other])
    assert torch.equal(batch[0], features) and isinstance(batch[1], np.ndarray)


def test_normalize_is_the_callers(tiny, noise):
    waveform = noise(2000)
    normal = (waveform - waveform.mean()) / np.sqrt(waveform.var() + 1e-5)
    assert np.allclose(tiny.extract(waveform, normalize=True), tiny.extract(normal), atol=1e-4)
    assert np.array_equal(tiny.extract(waveform, normalize=False), tiny.extract(waveform))
    assert not np.allclose(tiny.extract(waveform, normalize=True), tiny.extract(waveform), atol=1e-4)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"layer": 4}, "layer 4"),
        ({"layer": "last"}, "projected"),
        ({"layer": 1, "layers": [1]}, "both"),
        ({"layers": []}, "empty"),
        ({"speaker_embedding": np.zeros(256)}, "speaker"),
    ],
)
def test_refuses_options_it_cannot_take(tiny, noise, arguments, message):
    with pytest.raises(contentvec.Error, match=message):
        tiny.extract(noise(1000), **arguments)


def test_refuses_waveforms_it_cannot_take(tiny, noise):
    for waveform, message in [
        (noise(399), "399"),
        (np.zeros((2, 1000), np.float32), r"\[2, 1000\]"),
        (np.zeros(1000, np.int16), "32768"),
        (np.full(1000, np.nan, np.float32), "nan"),
        ("speech.wav", "speech|<U"),
        ([noise(1000), noise(3)], "utterance 1 of 2"),
    ]:
        with pytest.raises(contentvec.Error, match=message):
            tiny.extract(waveform)
    assert issubclass(contentvec.Error, RuntimeError)


def test_load_refuses_what_is_not_a_model(tmp_path):
    with pytest.raises(contentvec.Error, match="absent"):
        contentvec.load(tmp_path / "absent.pt")
    with pytest.raises(contentvec.Error, match='"f32"'):
        contentvec.load("synthetic:base", dtype="float32")
    with pytest.raises(contentvec.Error, match='"cpu"'):
        contentvec.load("synthetic:base", device="cuda")
    with pytest.raises(contentvec.Error, match="threads"):
        contentvec.load("synthetic:base", threads=-1)


def test_config_is_the_files(tiny):
    config = tiny.config
    assert (config.layers, config.encoder_embed_dim, config.final_dim) == (3, 48, 20)
    assert (config.hop, config.receptive_field, config.frames(48000)) == (320, 400, 149)
    assert config.extractor_mode == "default" and config.conv_layers[0] == (24, 10, 5)
    assert json.loads(contentvec.ModelConfig.from_json(config.to_json()).to_json()) == json.loads(config.to_json())
    assert tiny.info.container == "torch zip" and tiny.info.layout == "fairseq"


def test_a_model_says_what_it_is(tiny, monkeypatch):
    assert re.fullmatch(
        r"<contentvec.Model: 48 wide, 3 layers, final_proj to 20, f32 on \w+, 2 threads, from .*tiny.fairseq.pt>",
        repr(tiny),
    )
    assert (tiny.threads, tiny.dtype, tiny.device) == (2, "f32", "cpu")
    assert tiny.isa in contentvec.devices()[1].description
    monkeypatch.setenv("CONTENTVEC_ISA", "scalar")
    assert contentvec.load(ORACLE / "checkpoints/tiny.fairseq.pt").isa == "scalar"


def test_inspect_says_what_load_would_load(tiny):
    path = ORACLE / "checkpoints/tiny.fairseq.pt"
    info = contentvec.inspect(path)
    assert info.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert contentvec.inspect(path, digest=False).sha256 == ""
    assert info.config == tiny.config and info.parameters == tiny.info.parameters
    assert info.tensors > 0 and info.feature_projection and "HuBERT" in repr(info)
    with pytest.raises(contentvec.Error, match="absent"):
        contentvec.inspect("absent.pt", local_files_only=True)


def test_exported_checkpoints_load_again(tiny, noise, tmp_path):
    expected = tiny.extract(noise(2000))
    for model in (tiny, ORACLE / "checkpoints/tiny.fairseq.pt"):
        for layout in ("fairseq", "hf", "mlx"):
            written = contentvec.export(model, tmp_path / "out.safetensors", layout=layout)
            assert written.tensors > 0
            assert np.array_equal(contentvec.load(tmp_path / "out.safetensors").extract(noise(2000)), expected)
    with pytest.raises(contentvec.Error, match='"torch"'):
        contentvec.export(tiny, tmp_path / "out.safetensors", layout="torch")


@pytest.fixture
def decimal_comma(tmp_path, monkeypatch):
    """A locale with one, made by localedef where the system has none."""
    before = locale.setlocale(locale.LC_ALL)
    made = tmp_path / "de_DE.UTF-8"
    try:
        subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", made], capture_output=True, check=False)
    except FileNotFoundError:
        pass
    if made.is_dir():
        monkeypatch.setenv("LOCPATH", str(tmp_path))
    try:
        locale.setlocale(locale.LC_ALL, "de_DE.UTF-8")
    except locale.Error:
        pytest.skip("there is no locale de_DE.UTF-8, and localedef cannot make it")
    yield
    locale.setlocale(locale.LC_ALL, before)


def test_numbers_do_not_follow_the_locale(tiny, decimal_comma):
    assert locale.localeconv()["decimal_point"] == ","
    expected = json.loads(tiny.config.to_json())
    config = contentvec.ModelConfig.from_json(json.dumps({**expected, "layer_norm_eps": 0.001}))
    assert json.loads(config.to_json())["layer_norm_eps"] == 0.001
    assert json.loads(pickle.loads(pickle.dumps(tiny)).config.to_json()) == expected


def test_load_audio_gives_16_khz_mono(tmp_path):
    audio = contentvec.load_audio(ROOT / "tests/data/audio/speech.flac")
    assert audio.ndim == 1 and audio.dtype == np.float32 and 0 < np.abs(audio).max() <= 1
    with pytest.raises(contentvec.Error):
        contentvec.load_audio(tmp_path / "absent.wav")


def test_extraction_lets_other_threads_run(noise):
    model = contentvec.load("synthetic:base", threads=1)
    waveform = noise(160000)
    assert turns_during(lambda: model.extract(waveform)) > 10


def test_ctrl_c_ends_an_extraction(noise, ctrl_c):
    """In the middle, as the processor time says: KeyboardInterrupt is raised, too, once all has been computed."""
    model = contentvec.load("synthetic:base", threads=1)
    some, many = [noise(16000)] * 20, [noise(16000)] * 240
    begin = time.process_time()
    model.extract(some)
    some_take = time.process_time() - begin
    timer = threading.Timer(0.5, ctrl_c)
    timer.start()
    begin = time.process_time()
    with pytest.raises(KeyboardInterrupt):
        model.extract(many)
    assert time.process_time() - begin < 6 * some_take  # all of it takes 12 times as long
    assert model.extract(some[0]).shape == (49, 768)


@pytest.mark.parametrize(("page", "examples"), [("README.md", 1), ("docs/python.md", 5)])
def test_documented_examples_run_as_written(page, examples, tmp_path, monkeypatch, noise):
    """With synthetic weights in place of each model, noise in place of input.wav, and an index of its features."""
    text = (ROOT / page).read_text()
    blocks = [block.split("```")[0] for block in text.split("```python\n")[1:]]
    assert len(blocks) == examples
    model = contentvec.load("synthetic:base")
    configs = ROOT / "tests/oracle-rvc/configs"
    pitch = contentvec.PitchEstimator(f"synthetic:{configs}/tiny-rmvpe.json")
    singer = contentvec.Voice(f"synthetic:{configs}/tiny-v2-48k.json")
    monkeypatch.setattr(contentvec, "load", lambda spec: model)
    monkeypatch.setattr(contentvec, "PitchEstimator", lambda spec: pitch)
    monkeypatch.setattr(contentvec, "Voice", lambda spec: singer)
    monkeypatch.setattr("contentvec._drop_in.load_from_hub", lambda repo, file, **options: model)
    monkeypatch.setattr(contentvec, "load_audio", lambda path: noise(48000))
    monkeypatch.chdir(tmp_path)
    for block in blocks:
        if 'Retriever("' in block:
            if not HAS_FAISS:
                continue
            Retriever.build(model.extract(noise(48000))).save(block.split('Retriever("')[1].split('"')[0])
        exec(compile(block, page, "exec"), {})  # noqa: S102
