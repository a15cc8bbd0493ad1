#!/usr/bin/env python3
"""Writes tests/data/retrieval: small indices as FAISS's own Python package writes them, and what RVC makes of them.

    pip install numpy faiss-cpu
    scripts/make_retrieval_data.py

added.index and trained.index come about as in RVC's train_index; sparse.index has lists with 20, 3 and 8 vectors and
five without any. For each of the queries_*.npy, blend_*.npy holds RVC's formula in NumPy at an index rate of 0.75; a
query that is one of the vectors, or whose list is empty, where RVC computes NaN, holds what docs/retrieval.md says.
"""
import pathlib

import faiss
import numpy as np

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests/data/retrieval"
DIM = 16
RATE = np.float32(0.75)


def blend(index, queries):
    vectors = index.reconstruct_n(0, index.ntotal)
    score, ix = index.search(queries, k=8)
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.square(1 / score)
        weight /= weight.sum(axis=1, keepdims=True)
    retrieved = np.sum(vectors[ix] * np.expand_dims(weight, axis=2), axis=1)
    exact = score[:, 0] == 0
    retrieved[exact] = vectors[ix[exact, 0]]
    nothing = ix[:, 0] < 0
    retrieved[nothing] = queries[nothing]
    return retrieved * RATE + (1 - RATE) * queries


def save(name, index, queries):
    np.save(OUT / f"queries_{name}.npy", queries)
    np.save(OUT / f"blend_{name}.npy", blend(index, queries))


def as_rvc(random):
    centres = 3 * random.standard_normal((12, DIM), dtype=np.float32)
    vectors = centres[random.integers(12, size=400)] + random.standard_normal((400, DIM), dtype=np.float32)
    index = faiss.index_factory(DIM, f"IVF{min(int(16 * np.sqrt(400)), 400 // 39)},Flat")
    faiss.extract_index_ivf(index).nprobe = 1
    index.train(vectors)
    faiss.write_index(index, str(OUT / "trained.index"))
    index.add(vectors)
    faiss.write_index(index, str(OUT / "added.index"))
    near = vectors[::20] + np.float32(0.5) * random.standard_normal((20, DIM), dtype=np.float32)
    save("added", index, np.concatenate([near, vectors[5:10]]))


def sparse(random):
    centres = 100 * np.eye(8, DIM, dtype=np.float32)
    lists = np.repeat([1, 4, 6], [20, 3, 8])
    vectors = centres[lists] + random.standard_normal((len(lists), DIM), dtype=np.float32)
    quantizer = faiss.IndexFlatL2(DIM)
    quantizer.add(centres)
    index = faiss.IndexIVFFlat(quantizer, DIM, 8, faiss.METRIC_L2)
    index.is_trained = True
    index.add(vectors)
    faiss.write_index(index, str(OUT / "sparse.index"))
    save("sparse", index, centres + random.standard_normal((8, DIM), dtype=np.float32))


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(4)
    as_rvc(generator)
    sparse(generator)
    print(f"written by faiss {faiss.__version__}, NumPy {np.__version__}")
