"""Models go to other processes as what they were loaded from."""

import concurrent.futures
import copy
import functools
import multiprocessing
import os
import pickle
import shutil

import numpy as np
import pytest
from conftest import HAS_FAISS, ORACLE, ROOT

import contentvec
from contentvec import ContentvecModel
from contentvec.rvc import HubertModelWithFinalProj, Retriever

CHECKPOINT = ORACLE / "checkpoints/tiny.fairseq.pt"


def again(thing):
    return pickle.loads(pickle.dumps(thing))


def test_a_model_is_loaded_again_as_it_was(noise):
    for options in [{}, {"dtype": "bf16"}, {"threads": 2}]:
        model = contentvec.load(CHECKPOINT, **options)
        same = again(model)
        assert np.array_equal(same.extract(noise(2000)), model.extract(noise(2000)))
        assert (same.dtype, same.threads, same.device) == (model.dtype, model.threads, model.device)
    assert again(again(model)).info.source == str(CHECKPOINT)


def test_the_path_is_kept_absolute(monkeypatch, tmp_path, noise):
    shutil.copy(CHECKPOINT, tmp_path / "model.pt")
    shutil.copy(ORACLE / "configs/tiny.json", tmp_path / "tiny.json")
    monkeypatch.chdir(tmp_path)
    models = [contentvec.load("model.pt"), contentvec.load("synthetic:tiny.json:7"), contentvec.load("./model.pt")]
    pickled = [pickle.dumps(model) for model in models]
    monkeypatch.chdir("/")
    for model, text in zip(models, pickled):
        assert np.array_equal(pickle.loads(text).extract(noise(1000)), model.extract(noise(1000)))


def test_the_callers_configuration_goes_along(noise):
    config = contentvec.load(CHECKPOINT).config
    model = contentvec.load(ORACLE / "checkpoints/tiny.mlx.safetensors", config=config)
    assert again(model).config == model.config


def test_a_copy_is_the_model_itself(tiny):
    assert copy.copy(tiny) is tiny and copy.deepcopy({"model": tiny})["model"] is tiny


def test_a_token_is_in_no_pickle(hub):
    hub.publish("org/tiny", "main", "1" * 40, {"hubert_base.pt": CHECKPOINT})
    model = contentvec.load("org/tiny", token="hf_secret")
    assert b"hf_secret" not in pickle.dumps(model)
    asked = len(hub.requests())
    assert again(model).config == model.config
    assert len(hub.requests()) == asked  # the file is there: nobody is asked
    shutil.rmtree(hub.cache)
    assert again(model).config == model.config  # it is not: by its name


def test_a_file_that_is_gone_is_named(tmp_path):
    shutil.copy(CHECKPOINT, tmp_path / "model.pt")
    text = pickle.dumps(contentvec.load(tmp_path / "model.pt"))
    os.remove(tmp_path / "model.pt")
    with pytest.raises(contentvec.Error, match="model.pt"):
        pickle.loads(text)


def test_configurations_and_errors_pickle(tiny):
    assert again(tiny.config) == tiny.config and hash(again(tiny.config)) == hash(tiny.config)
    assert tiny.config != contentvec.ModelConfig.from_json('{"encoder_embed_dim": 768}') and tiny.config != 3
    error = again(contentvec.Error("what is wrong"))
    assert type(error) is contentvec.Error and str(error) == "what is wrong"


def test_the_drop_ins_pickle(noise):
    source = noise(2000)[None]
    for model in [ContentvecModel.from_pretrained(weights_path=CHECKPOINT)]:
        assert np.array_equal(again(model)(source)["x"], model(source)["x"])
    hubert = HubertModelWithFinalProj.from_pretrained(CHECKPOINT).half()
    assert np.array_equal(again(hubert)(source)[0], hubert(source)[0]) and again(hubert)._dtype == "float16"


@pytest.mark.skipif(not HAS_FAISS, reason="this build has no FAISS")
def test_an_index_pickles_where_it_has_a_file(noise):
    index = Retriever(ROOT / "tests/data/retrieval/added.index")
    frames = noise(4 * index.dim).reshape(4, index.dim)
    assert np.array_equal(again(index).blend(frames), index.blend(frames))
    assert copy.deepcopy(index) is index
    with pytest.raises(contentvec.Error, match="save"):
        pickle.dumps(Retriever.build(noise(400).reshape(100, 4)))


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_workers_of_other_processes_extract(tiny, noise, method):
    waves = [noise(n, n) for n in (1000, 2000, 3000)]
    context = multiprocessing.get_context(method)
    with concurrent.futures.ProcessPoolExecutor(1, context) as pool:
        for ours, theirs in zip(tiny.extract(waves), pool.map(functools.partial(extract_in_worker, tiny), waves)):
            assert np.array_equal(ours, theirs)
        with pytest.raises(contentvec.Error, match="399"):
            pool.submit(extract_in_worker, tiny, noise(399)).result()


def extract_in_worker(model, waveform):
    return model.extract(waveform)


def test_joblib_takes_a_model(tiny, noise):
    joblib = pytest.importorskip("joblib")
    (theirs,) = joblib.Parallel(n_jobs=2)(joblib.delayed(extract_in_worker)(tiny, noise(1000)) for _ in range(1))
    assert np.array_equal(theirs, tiny.extract(noise(1000)))


def test_a_dataloader_takes_a_model(tiny, noise):
    torch = pytest.importorskip("torch")
    loader = torch.utils.data.DataLoader(Features(tiny), num_workers=1, multiprocessing_context="spawn")
    assert np.array_equal(next(iter(loader))[0].numpy(), tiny.extract(noise(1000)))


class Features:
    def __init__(self, model):
        self.model = model

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return self.model.extract((np.random.default_rng(0).standard_normal(1000) * 0.1).astype(np.float32))
