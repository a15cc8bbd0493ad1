"""What the C++ tests stand on: their reference data (tests/oracle) and their model hub (tests/hub/server.py)."""

import importlib.util
import json
import os
import pathlib
import shutil
import signal
import threading
from typing import Any, Callable, Iterator

import numpy as np
import pytest

import contentvec
import contentvec.rvc

ROOT = pathlib.Path(__file__).resolve().parents[2]
ORACLE = ROOT / "tests/oracle"


def _has_faiss() -> bool:
    try:
        contentvec.rvc.Retriever(ROOT / "tests/data/retrieval/added.index")
    except contentvec.Error as error:
        if "-DCONTENTVEC_FAISS" not in str(error):
            raise
        return False
    return True


HAS_FAISS = _has_faiss()


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


def turns_during(call: Callable[[], object]) -> int:
    """How often another Python thread that wants to run each millisecond does: twice at most where `call` lets none."""
    turns = 0
    done = threading.Event()

    def take_turns() -> None:
        nonlocal turns
        while not done.wait(0.001):
            turns += 1

    thread = threading.Thread(target=take_turns)
    thread.start()
    before = turns
    call()
    during = turns - before
    done.set()
    thread.join()
    return during


@pytest.fixture
def ctrl_c() -> Iterator[Callable[[], None]]:
    """Sends SIGINT; also in a process that was started to ignore it, as in the background of a shell."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: os.kill(os.getpid(), signal.SIGINT)
    signal.signal(signal.SIGINT, handler)


@pytest.fixture(scope="session")
def tiny() -> contentvec.Model:
    return contentvec.load(ORACLE / "checkpoints/tiny.fairseq.pt", threads=2)


@pytest.fixture
def noise() -> Any:
    """noise(samples, seed=0): [samples] float32."""
    return lambda samples, seed=0: (np.random.default_rng(seed).standard_normal(samples) * 0.1).astype(np.float32)


class Hub:
    """A model hub in this process, and an empty cache that the environment names."""

    def __init__(self, folder: pathlib.Path, cache: pathlib.Path) -> None:
        self.folder, self.cache = folder, cache

    def publish(self, repo: str, revision: str, commit: str, files: dict[str, pathlib.Path]) -> None:
        """A commit of `repo` that holds these files, and is `revision` now."""
        commit_folder = self.folder / repo / commit
        commit_folder.mkdir(parents=True)
        for name, source in files.items():
            shutil.copy(source, commit_folder / name)
        refs = self.folder / repo / "refs.json"
        known = json.loads(refs.read_text()) if refs.exists() else {}
        refs.write_text(json.dumps({**known, revision: commit}))

    def fail(self, **fault: Any) -> None:
        """From now on: a fault of tests/hub/server.py."""
        (self.folder / "faults.json").write_text(json.dumps([fault]))

    def heal(self) -> None:
        (self.folder / "faults.json").unlink()

    def requests(self, server: str = "") -> list[dict[str, Any]]:
        """What was asked of "hub" or "cdn", or both."""
        log = self.folder / "requests.jsonl"
        lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return [line for line in lines if server in line["server"]]


def _server() -> Any:
    spec = importlib.util.spec_from_file_location("hub_server", ROOT / "tests/hub/server.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def hub(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    folder, cache = tmp_path / "hub", tmp_path / "cache"
    folder.mkdir()
    for name in list(os.environ):
        if name.startswith(("HF_", "HUGGING", "TRANSFORMERS_")) or name.lower() in ("http_proxy", "all_proxy"):
            monkeypatch.delenv(name)
    server, _ = _server().start(folder)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_CACHE", str(cache))
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_address[1]}")
    return Hub(folder, cache)
