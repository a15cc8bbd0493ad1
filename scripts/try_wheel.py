"""What an installed wheel has to be able to do, on a system without what it was built with; by scripts/build-wheel.

Run from the root of the sources, whose test data it takes, by the Python that it is installed in.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

import contentvec
from contentvec.rvc import Retriever

ROOT = pathlib.Path(__file__).resolve().parent.parent
SPEECH = ROOT / "tests/data/audio/speech.flac"
MODEL = ROOT / "tests/oracle/checkpoints/tiny.fairseq.pt"


def bundled():
    """The libraries in the wheel, of which this process must not load the system's."""
    return pathlib.Path(contentvec.__file__).parent.parent / "contentvec.libs"


def main():
    model = contentvec.load(MODEL)
    features = model.extract(contentvec.load_audio(SPEECH))  # libsndfile, libsoxr, libzip
    assert features.shape[1] == model.config.encoder_embed_dim and np.isfinite(features).all()
    index = Retriever(ROOT / "tests/data/retrieval/added.index")  # FAISS and its BLAS
    assert index.blend(np.zeros((2, index.dim), np.float32)).shape == (2, index.dim)
    Retriever.build(np.random.default_rng(0).standard_normal((500, 32)).astype(np.float32))
    with tempfile.TemporaryDirectory() as folder:
        contentvec.write_audio(os.path.join(folder, "a.flac"), features[:, 0] / 10, 16000)
        command = [str(pathlib.Path(sys.executable).with_name("contentvec")), "extract", SPEECH, "--model", MODEL]
        subprocess.run([*command, "--out", os.path.join(folder, "a.npy")], check=True, capture_output=True)
        assert np.array_equal(np.load(os.path.join(folder, "a.npy")), features)
    try:
        contentvec.load("no/such-model", local_files_only=True)  # libcurl and libcrypto are there
    except contentvec.Error as error:
        assert "no/such-model" in str(error)
    if sys.platform == "linux":
        maps = pathlib.Path("/proc/self/maps").read_text()
        loaded = {line.rpartition("/")[2].split(".so")[0].rpartition("-")[0] for line in maps.splitlines() if str(bundled()) in line}
        for line in maps.splitlines():
            name = line.rpartition("/")[2].partition(".so")[0]
            assert name not in loaded or str(bundled()) in line, f"the system's {line} is loaded"
        print(f"{len(loaded)} bundled libraries loaded, none of them the system's")
    licences = next(bundled().parent.glob("contentvec-*.dist-info")) / "licenses"
    assert len(list(bundled().iterdir())) <= len(list(licences.iterdir())), "a library has no licence"
    print(f"contentvec {contentvec.__version__} works in Python {sys.version.split()[0]}")


if __name__ == "__main__":
    main()
