#!/usr/bin/env python3
"""Checks retrieval against FAISS's own Python package and RVC's formula in NumPy.

On features of synthetic:base from tests/data/audio/speech.flac, for RVC v1 (256) and v2 (768):
  1. an index that the package builds as RVC's train_index does opens here, and `contentvec extract --index` gives what
     RVC's formula gives;
  2. an index of `contentvec index` opens there, has the vectors and the shape RVC would give it, finds the same, and
     with it `extract --index` gives what the formula gives there.
Prints the largest differences; above 1e-5 the script fails. Needs build/release and
    pip install numpy faiss-cpu
"""
import pathlib
import subprocess
import sys
import tempfile

import faiss
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
CONTENTVEC = ROOT / "build/release/contentvec"
SPEECH = ROOT / "tests/data/audio/speech.flac"
VERSIONS = {"v1": ["--layer", "9", "--final-proj"], "v2": ["--layer", "12"]}
RATE = 0.75
TOLERANCE = 1e-5


def contentvec(*arguments):
    subprocess.run([CONTENTVEC, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def extract(out, options, index=None):
    retrieval = [] if index is None else ["--index", index, "--index-rate", RATE]
    contentvec("extract", SPEECH, "--model", "synthetic:base", *options, *retrieval, "--out", out)
    return np.load(out)


def stretched(features, times, random):
    """More vectors like these: each with noise that keeps it near."""
    noise = random.standard_normal((times, *features.shape), dtype=np.float32)
    return (features + np.float32(0.3) * features.std(axis=0) * noise).reshape(-1, features.shape[1])


def lists_of(size):
    return min(int(16 * np.sqrt(size)), size // 39)


def build_as_rvc(vectors, path):
    index = faiss.index_factory(vectors.shape[1], f"IVF{lists_of(len(vectors))},Flat")
    faiss.extract_index_ivf(index).nprobe = 1
    index.train(vectors)
    for first in range(0, len(vectors), 8192):
        index.add(vectors[first : first + 8192])
    faiss.write_index(index, str(path))
    return index


def blend_as_rvc(index, features):
    vectors = index.reconstruct_n(0, index.ntotal)
    score, ix = index.search(features, k=8)
    weight = np.square(1 / score)
    weight /= weight.sum(axis=1, keepdims=True)
    retrieved = np.sum(vectors[ix] * np.expand_dims(weight, axis=2), axis=1)
    return retrieved * np.float32(RATE) + np.float32(1 - RATE) * features


def check(what, ours, theirs):
    difference = float(np.abs(ours - theirs).max()) if ours.shape == theirs.shape else np.inf
    print(f"{what:60} {difference:.1e}{'' if difference <= TOLERANCE else '  FAILED'}")
    return difference <= TOLERANCE


def check_version(version, options, folder, random):
    features = extract(folder / "plain.npy", options)
    vectors = stretched(features, 5000 // len(features) + 1, random)
    theirs = build_as_rvc(vectors, folder / "theirs.index")
    good = check(
        f"{version}: FAISS's index here, {len(vectors)} vectors",
        extract(folder / "blend.npy", options, folder / "theirs.index"),
        blend_as_rvc(theirs, features),
    )

    (folder / "features").mkdir()
    (folder / "out").mkdir()
    for part in range(4):
        np.save(folder / "features" / f"{part}.npy", vectors[part::4])
    contentvec("index", folder / "features", folder / "out", "--name", "voice")
    lists = lists_of(len(vectors))
    names = {f"{kind}_IVF{lists}_Flat_nprobe_1_voice_{version}.index" for kind in ("added", "trained")}
    found = {path.name for path in (folder / "out").iterdir()}
    if names != found:
        print(f"{version}: expected the files {names}, found {found}  FAILED")
        return False
    added, trained = (faiss.read_index(str(folder / "out" / name)) for name in sorted(names))
    good &= (added.nlist, added.nprobe, added.ntotal) == (lists, 1, len(vectors))
    good &= (trained.nlist, trained.nprobe, trained.ntotal, trained.is_trained) == (lists, 1, 0, True)
    in_order = np.concatenate([vectors[part::4] for part in range(4)])
    good &= check(f"{version}: our index's vectors there", added.reconstruct_n(0, added.ntotal), in_order)
    good &= check(
        f"{version}: our index, blended here and there",
        extract(folder / "blend.npy", options, folder / "out" / sorted(names)[0]),
        blend_as_rvc(added, features),
    )
    trained.add(in_order)
    same = [np.array_equal(a, b) for a, b in zip(added.search(features, 8), trained.search(features, 8))]
    print(f"{version}: vectors added there to our trained index: {'same search' if all(same) else 'FAILED'}")
    return good and all(same)


def main():
    random = np.random.default_rng(0)
    good = True
    for version, options in VERSIONS.items():
        with tempfile.TemporaryDirectory() as folder:
            good &= check_version(version, options, pathlib.Path(folder), random)
    print(f"faiss {faiss.__version__}, NumPy {np.__version__}: {'all well' if good else 'FAILED'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
