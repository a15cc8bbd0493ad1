#!/usr/bin/env python3
"""Writes hubert_base.onnx.data, the weights of hubert_base.onnx, beside a copy of the graph (numpy only).

The graph is HuBERT base as plain PyTorch exports it (opset 16, input `source` [batch, samples] float32,
output `features` [batch, frames, 768]); its weights are tests/oracle/weights.py's for configs/base.json, so
ONNX Runtime or OpenVINO computes what the project computes from the same synthetic checkpoint.

Usage: make_onnx_weights.py OUTDIR [--seed N]
"""
import argparse, json, pathlib, shutil, sys
import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tests/oracle"))
import weights


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("outdir", type=pathlib.Path), p.add_argument("--seed", type=int, default=0)
    a = p.parse_args()
    a.outdir.mkdir(parents=True, exist_ok=True)
    w = weights.synthesize(json.load(open(HERE.parents[1] / "tests/oracle/configs/base.json")), a.seed)
    shutil.copy(HERE / "hubert_base.onnx", a.outdir)
    with open(a.outdir / "hubert_base.onnx.data", "wb") as f:
        for e in json.load(open(HERE / "hubert_base.manifest.json")):
            if e["op"] == "weight_norm":
                g, v = w[e["tensor"] + ".weight_g"], w[e["tensor"] + ".weight_v"]
                norm = np.sqrt((v.astype(np.float64) ** 2).sum((0, 1), keepdims=True)).astype(np.float32)
                t = (g * v / norm).astype(np.float32)
            else:
                t = w[e["tensor"]].T if e["op"] == "transpose" else w[e["tensor"]]
            f.seek(e["offset"])
            f.write(np.ascontiguousarray(t).tobytes())


if __name__ == "__main__":
    main()
