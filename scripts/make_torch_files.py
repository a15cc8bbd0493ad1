#!/usr/bin/env python3
"""Writes tests/data/torch: what torch.save of a current PyTorch makes, in small (needs torch and NumPy).

Both files hold the same dictionary under "model": a Parameter, float16 and bfloat16 tensors, a transposed and a sliced
view that share one storage, a scalar, integers and an optimizer's leftovers, so that tests/checkpoint/torch_files_test.cc
can tell whether each value arrives. The values are i / 8 for the element at position i in C order (exact in bfloat16).
"""
import argparse
import pathlib

import torch

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests/data/torch"


def counting(*shape):
    return (torch.arange(torch.Size(shape).numel(), dtype=torch.float32) / 8).reshape(shape)


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    base = counting(4, 6)
    state = {
        "parameter": torch.nn.Parameter(counting(2, 3)),
        "half": counting(3, 2).half(),
        "bfloat16": counting(2, 2).bfloat16(),
        "transposed": base.t(),
        "sliced": base[1:3, 2:5],
        "scalar": torch.tensor(0.125),
        "empty": torch.zeros(0, 3),
        "steps": torch.tensor([1, 2, 3]),
        "not a tensor": 7,
    }
    checkpoint = {"model": state, "optimizer": {"state": {0: {"momentum": counting(5)}}, "param_groups": [{"lr": 1e-3}]}}
    OUT.mkdir(parents=True, exist_ok=True)
    torch.save(checkpoint, OUT / "zip.pt")
    torch.save(checkpoint, OUT / "legacy.pt", _use_new_zipfile_serialization=False)
    print(f"torch {torch.__version__}:", *(f"{p.name} {p.stat().st_size} bytes" for p in sorted(OUT.glob("*.pt"))))


if __name__ == "__main__":
    main()
