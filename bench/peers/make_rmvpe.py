#!/usr/bin/env python3
"""Writes rmvpe.pt, RMVPE in the released size with synthetic weights, and rmvpe.onnx, its network as PyTorch exports it.

    make_rmvpe.py INFER_RVC_PYTHON.whl OUTDIR

The network: log-mel spectrogram [1, 128, frames], frames a multiple of 32, to salience [1, frames, 360].
"""
import json
import pathlib
import sys

import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench/comparison"))
import pitch_peers


def main():
    wheel, out = sys.argv[1], pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    config = json.loads((ROOT / "tests/oracle-rvc/configs/base-rmvpe.json").read_text())
    made = pitch_peers.import_weights().synthesize(config)
    model = pitch_peers.import_rmvpe(wheel).E2E(4, 1, (2, 2))
    missing, unexpected = model.load_state_dict({name: torch.from_numpy(value) for name, value in made.items()}, strict=False)
    if unexpected or any(not name.endswith("num_batches_tracked") for name in missing):
        sys.exit(f"the weights do not fit: {missing} are missing, {unexpected} too many")
    model.eval()
    names = {"input_names": ["mel"], "output_names": ["salience"]}
    dynamic = {"mel": {2: "frames"}, "salience": {1: "frames"}}
    example = torch.zeros(1, 128, 128)
    torch.onnx.export(model, (example,), out / "rmvpe.onnx", opset_version=17, dynamic_axes=dynamic, dynamo=False, **names)
    torch.save(model.state_dict(), out / "rmvpe.pt")


if __name__ == "__main__":
    main()
