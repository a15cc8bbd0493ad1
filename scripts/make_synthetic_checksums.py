#!/usr/bin/env python3
"""Writes tests/data/synthetic_checksums.json: what the reference generator (tests/oracle/weights.py, numpy) makes.

For each model and seed, the sum over all tensors of
    FNV-1a-64(name) * sum_i (i + 1) * float32 bits of element i        (mod 2^64)
which changes with any bit, any order and any name. tests/hubert/synthetic_test.cc compares the C++ generator with it.
"""
import json
import pathlib
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/oracle"))
import weights  # noqa: E402


def checksum(arrays):
    total = np.uint64(0)
    with np.errstate(over="ignore"):
        for name, values in arrays.items():
            bits = np.ascontiguousarray(values).reshape(-1).view(np.uint32).astype(np.uint64)
            places = np.arange(1, bits.size + 1, dtype=np.uint64)
            total += np.uint64(weights.fnv1a64(name)) * (bits * places).sum(dtype=np.uint64)
    return int(total)


def main():
    made = {}
    for config in sorted((ROOT / "tests/oracle/configs").glob("*.json")):
        for seed in (0, 7):
            arrays = weights.synthesize(json.loads(config.read_text()), seed)
            # inference does not use it, so the C++ model has none
            arrays = {n: a for n, a in arrays.items() if not n.startswith("encoder.cond_layer_norm.")}
            made[f"{config.stem}:{seed}"] = str(checksum(arrays))
    out = ROOT / "tests/data/synthetic_checksums.json"
    out.write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
