"""Reference data of the C++ tests: tests/oracle."""

import json
import pathlib
from typing import Any

import numpy as np
import pytest

import contentvec

ROOT = pathlib.Path(__file__).resolve().parents[2]
ORACLE = ROOT / "tests/oracle"


def read_safetensors(path: pathlib.Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The tensors of a file, and its metadata."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    metadata = header.pop("__metadata__", {})
    dtypes = {"F32": np.float32, "BOOL": np.bool_}
    tensors = {
        name: np.frombuffer(data[8 + size :][slice(*entry["data_offsets"])], dtypes[entry["dtype"]]).reshape(entry["shape"])
        for name, entry in header.items()
    }
    return tensors, metadata


def assert_golden(ours: Any, golden: Any, metadata: dict[str, Any], stage: str) -> None:
    """The contract of docs/validation.md."""
    reference_error = json.loads(metadata["float32_max_abs_error"])[stage]
    bound = max(2e-5 * max(1.0, float(golden.std())), 2 * reference_error)
    assert ours.shape == golden.shape
    assert np.abs(ours - golden).max() <= bound


@pytest.fixture(scope="session")
def tiny() -> contentvec.Model:
    return contentvec.load(ORACLE / "checkpoints/tiny.fairseq.pt", threads=2)


@pytest.fixture
def noise() -> Any:
    """noise(samples, seed=0): [samples] float32."""
    return lambda samples, seed=0: (np.random.default_rng(seed).standard_normal(samples) * 0.1).astype(np.float32)
