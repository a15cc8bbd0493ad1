#!/usr/bin/env python3
"""Compares contentvec.rvc, and every layer, with transformers' HubertModel, and prints the largest differences.

On the oracle's tiny Hugging Face folders, and on the full-size model written by
    build/release/contentvec export synthetic:base DIR/model.safetensors --layout hf
Above 5e-5 the script fails. Needs this package, torch and transformers (Debian's python3-torch 1.13 goes with
transformers 4.33).
"""
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
from transformers import HubertModel

import contentvec
import contentvec.rvc

ROOT = pathlib.Path(__file__).resolve().parent.parent
CHECKPOINTS = ROOT / "tests/oracle/checkpoints"
TOLERANCE = 5e-5


def check(name, folder, samples):
    source = torch.from_numpy((np.random.default_rng(0).standard_normal((2, samples)) * 0.1).astype(np.float32))
    theirs, report = HubertModel.from_pretrained(folder, output_loading_info=True)
    theirs.eval()
    if report["missing_keys"]:
        print(f"{name:16} skipped: this transformers does not read {report['missing_keys']} (parametrizations: 4.36 and torch 2)")
        return True
    with torch.no_grad():
        reference = theirs(source, output_hidden_states=True)
    contentvec.rvc.HUBERT_MODEL_PATH = pathlib.Path(folder)
    ours = contentvec.rvc.load_hubert_model("cpu", False)

    def difference(a, b):
        return float((a - b).abs().max())

    found = {"v2": difference(contentvec.rvc.extract_hubert_features(ours, source, "v2"), reference.last_hidden_state)}
    config = ours.model.config
    stable = config.layer_norm_first  # the last hidden state then has had its final LayerNorm
    layers = ours.model.extract(list(source), layers="all", normalize=False)
    found["layers"] = max(
        difference(torch.stack([one[n - 1] for one in layers]), reference.hidden_states[n])
        for n in range(1, config.layers + (0 if stable else 1))
    )
    if config.layers >= 9 and config.final_dim:
        weights = final_proj(folder)
        expected = torch.nn.functional.linear(reference.hidden_states[9], *weights)
        found["v1"] = difference(contentvec.rvc.extract_hubert_features(ours, source, "v1"), expected)
    print(f"{name:16}", "  ".join(f"{what} {value:.1e}" for what, value in found.items()), flush=True)
    return max(found.values()) <= TOLERANCE


def final_proj(folder):
    """The layer RVC adds to HubertModel."""
    from safetensors.torch import load_file

    tensors = load_file(pathlib.Path(folder) / "model.safetensors")
    return tensors["final_proj.weight"].float(), tensors["final_proj.bias"].float()


def main():
    good = all([check(name, CHECKPOINTS / name, 16000) for name in ("tiny.hf", "tiny-large.hf")])
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "model.safetensors"
        command = [ROOT / "build/release/contentvec", "export", "synthetic:base", out, "--layout", "hf"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        good &= check("synthetic:base", folder, 48000)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
