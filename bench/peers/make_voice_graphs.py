#!/usr/bin/env python3
"""Writes RVC's synthesizer (v2, 48 kHz) with synthetic weights as PyTorch exports it, a graph for each length.

    make_voice_graphs.py INFER_RVC_PYTHON.whl OUTDIR FRAMES...
"""
import pathlib
import sys

import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench/comparison"))
import voice_peers


def main():
    wheel, out, lengths = sys.argv[1], pathlib.Path(sys.argv[2]), [int(frames) for frames in sys.argv[3:]]
    out.mkdir(parents=True, exist_ok=True)
    synthesizer = voice_peers.load(wheel)
    for frames in lengths:
        example = (
            torch.zeros(1, frames, voice_peers.FEATURES),
            torch.ones(1, frames, dtype=torch.int64),
            torch.full((1, frames), 200.0),
        )
        names = {"input_names": ["features", "pitch", "f0"], "output_names": ["samples"]}
        model = voice_peers.WithoutNoise(synthesizer, frames)
        torch.onnx.export(model, example, out / f"synthesizer-{frames}.onnx", opset_version=17, dynamo=False, **names)


if __name__ == "__main__":
    main()
