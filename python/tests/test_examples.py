"""The examples over other packages, where these are installed."""


import numpy as np
import pytest
from conftest import ORACLE, ROOT

import contentvec

MODEL = ORACLE / "checkpoints/tiny.fairseq.pt"


@pytest.fixture
def recordings(tmp_path, noise, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    paths = [str(tmp_path / f"{i}.wav") for i in range(3)]
    for i, path in enumerate(paths):
        contentvec.write_audio(path, noise(8000 + 640 * i, seed=i), 16000, encoding="float")
    return paths


def test_datasets_map(recordings):
    datasets = pytest.importorskip("datasets", reason="datasets is not installed: pip install datasets")
    import datasets_map

    model = contentvec.load(MODEL, threads=1)
    data = datasets_map.with_features(datasets.Dataset.from_dict({"audio": recordings}), model)
    for row in data.with_format("numpy"):
        np.testing.assert_array_equal(row["features"], model.extract(contentvec.load_audio(row["audio"]["path"])))


def test_torch_dataset(recordings):
    pytest.importorskip("torch", reason="torch is not installed")
    import torch_dataset
    from torch.utils.data import DataLoader

    model = contentvec.load(MODEL, threads=1)
    loader = DataLoader(
        torch_dataset.Features(model, recordings), batch_size=3, num_workers=1, collate_fn=torch_dataset.padded
    )
    ((features, frames),) = loader
    expected = [model.extract(contentvec.load_audio(path)) for path in recordings]
    assert frames.tolist() == [len(one) for one in expected]
    for i, one in enumerate(expected):
        np.testing.assert_array_equal(features[i, : len(one)].numpy(), one)
