#!/usr/bin/env python3
"""Writes what the reference generators (weights.py of tests/oracle and ../shared/oracle-rvc, numpy) make: of speech models
to tests/data/synthetic_checksums.json, of voices to tests/data/voice_checksums.json.

For each model and seed, the sum over all tensors of
    FNV-1a-64(name) * sum_i (i + 1) * float32 bits of element i        (mod 2^64)
which changes with any bit, any order and any name. tests/hubert/synthetic_test.cc and
tests/synthesizer/voice_tensors_test.cc compare the C++ generators with it.
"""
import importlib.util
import json
import pathlib

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
VOICES = ROOT.parent / "shared/oracle-rvc"


def load(path):
    spec = importlib.util.spec_from_file_location(path.parent.name.replace("-", "_"), path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


weights = load(ROOT / "tests/oracle/weights.py")


def checksum(arrays):
    total = np.uint64(0)
    with np.errstate(over="ignore"):
        for name, values in arrays.items():
            bits = np.ascontiguousarray(values).reshape(-1).view(np.uint32).astype(np.uint64)
            places = np.arange(1, bits.size + 1, dtype=np.uint64)
            total += np.uint64(weights.fnv1a64(name)) * (bits * places).sum(dtype=np.uint64)
    return int(total)


def write(name, made):
    (ROOT / "tests/data" / name).write_text(json.dumps(made, indent=1) + "\n")


def speech_models():
    made = {}
    for config in sorted((ROOT / "tests/oracle/configs").glob("*.json")):
        for seed in (0, 7):
            arrays = weights.synthesize(json.loads(config.read_text()), seed)
            # inference does not use it, so the C++ model has none
            arrays = {n: a for n, a in arrays.items() if not n.startswith("encoder.cond_layer_norm.")}
            made[f"{config.stem}:{seed}"] = str(checksum(arrays))
    return made


def voices():
    made = {}
    module = load(VOICES / "weights.py")
    for path in sorted((VOICES / "configs").glob("*.json")):
        config = json.loads(path.read_text())
        if config.get("kind") != "rvc":
            continue
        for seed in (0, 7):
            made[f"{path.stem}:{seed}"] = str(checksum(module.synthesize(config, seed)))
    return made


def main():
    write("synthetic_checksums.json", speech_models())
    write("voice_checksums.json", voices())


if __name__ == "__main__":
    main()
