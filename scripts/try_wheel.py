"""What an installed wheel has to be able to do, on a system without what it was built with; by scripts/build-wheel.

Run from the root of the sources, whose test data it takes, by the Python that it is installed in.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np

import contentvec
from contentvec.rvc import Retriever

ROOT = pathlib.Path(__file__).resolve().parent.parent
SPEECH = ROOT / "tests/data/audio/speech.flac"
MODEL = ROOT / "tests/oracle/checkpoints/tiny.fairseq.pt"
PACKAGES = pathlib.Path(contentvec.__file__).parent.parent
BUNDLED = PACKAGES / "contentvec.libs"
COMMAND = pathlib.Path(sys.executable).with_name("contentvec")


def synthetic(config):
    return f"synthetic:{ROOT}/tests/oracle-rvc/configs/{config}.json"


def own_name(library):
    """Without auditwheel's hash: libsoxr-0f8a2b1c.so.0.1.2."""
    return re.sub(r"^([^.]*)-[0-9a-f]{8,}\.", r"\1.", library)


def try_features(folder):
    """In this process, and by the command in another: libsndfile, libsoxr, libzip."""
    model = contentvec.load(MODEL)
    features = model.extract(contentvec.load_audio(SPEECH))
    assert features.shape[1] == model.config.encoder_embed_dim and np.isfinite(features).all()
    subprocess.run([COMMAND, "extract", SPEECH, "--model", MODEL, "--out", folder / "a.npy"], check=True)
    assert np.array_equal(np.load(folder / "a.npy"), features)


def try_conversion(folder):
    pitch = contentvec.PitchEstimator(synthetic("tiny-rmvpe"))
    assert pitch.estimate(contentvec.load_audio(SPEECH)).f0.size > 0
    model = contentvec.load(synthetic("pipeline-hubert-v2"))
    converter = contentvec.Converter(model, contentvec.Voice(synthetic("tiny-v2-48k")), pitch)
    converter.convert_file(SPEECH, folder / "out.flac", key=12)
    samples = contentvec.load_audio(folder / "out.flac")
    assert np.isfinite(samples).all() and samples.any()


def try_retrieval():
    """FAISS and its BLAS."""
    index = Retriever(ROOT / "tests/data/retrieval/added.index")
    assert index.blend(np.zeros((2, index.dim), np.float32)).shape == (2, index.dim)
    rows = np.random.default_rng(0).standard_normal((500, 32)).astype(np.float32)
    assert Retriever.build(rows).dim == 32


def try_hub():
    """libcurl and libcrypto are there, and a name that is nowhere is looked for."""
    try:
        contentvec.load("no/such-model", local_files_only=True)
    except contentvec.Error as error:
        assert "no/such-model" in str(error)
        return
    sys.exit("try_wheel: a model that does not exist was loaded")


def try_serve():
    """The server listens, and says where."""
    models = ["--model", synthetic("pipeline-hubert-v2"), "--pitch-model", synthetic("tiny-rmvpe")]
    command = [COMMAND, "serve", "--voice", synthetic("tiny-v2-48k"), *models, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        address = server.stdout.readline()
        server.terminate()
    assert address.startswith("http://127.0.0.1:"), f"serve is not in this wheel, or does not start: {address!r}"


def try_system_library(name, *arguments):
    """What needs a library that no wheel holds: it works, or says that the library is not on this system."""
    done = subprocess.run([COMMAND, *arguments], stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        assert f"{name} is not on this machine" in done.stderr, f"this wheel was built without {name}: {done.stderr}"
        print(f"{name} is not on this system: what needs it is in the wheel, and was not tried further")


def check_libraries():
    """Each is loaded, which the system's in its place would not be by this name, and has its licence."""
    bundled = {path.name for path in BUNDLED.iterdir()}
    (info,) = PACKAGES.glob("contentvec-*.dist-info")
    licences = {path.name for path in info.glob("**/licenses/*")}
    for name in map(own_name, bundled):
        assert name in licences, f"{name} has no licence"
    maps = pathlib.Path("/proc/self/maps").read_text()
    missing = {name for name in bundled if str(BUNDLED / name) not in maps}
    assert not missing, f"not loaded from the wheel: {missing}"
    print(f"{len(bundled)} libraries loaded from the wheel, each with its licence")


def main():
    with tempfile.TemporaryDirectory() as folder:
        try_features(pathlib.Path(folder))
        try_conversion(pathlib.Path(folder))
        picture = pathlib.Path(folder) / "b.png"
        try_system_library(
            "Cairo", "extract", SPEECH, "--model", MODEL, "--out", picture.with_suffix(".npy"), "--plot", picture
        )
    try_system_library("PortAudio", "live", "--list-devices")
    try_serve()
    try_retrieval()
    try_hub()
    if sys.platform == "linux":
        check_libraries()
    print(f"contentvec {contentvec.__version__} works in Python {sys.version.split()[0]}")


if __name__ == "__main__":
    main()
