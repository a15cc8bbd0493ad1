#!/usr/bin/env python3
"""Writes shared/cases' tiny model under soft-VC's names, as in bshall's hubert-soft: whole, with its heads.

usage: soft_vc.py CASES OUT.pt
"""
import importlib.util
import json
import pathlib
import sys

import numpy as np

RENAMED = (
    ("post_extract_proj.", "feature_projection.projection."),
    ("encoder.pos_conv.0.", "positional_embedding.conv."),
    ("encoder.layer_norm.", "norm."),
    (".self_attn_layer_norm.", ".norm1."),
    (".final_layer_norm.", ".norm2."),
    (".fc1.", ".linear1."),
    (".fc2.", ".linear2."),
    ("final_proj.", "proj."),
)


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rename(name):
    parts = name.split(".")
    if name.startswith("feature_extractor."):  # feature_extractor.conv_layers.3.0.weight
        kind = "conv" if parts[3] == "0" else "norm"
        return f"feature_extractor.{kind}{parts[2]}.{parts[-1]}"
    if name.startswith("layer_norm."):
        return "feature_projection.norm." + parts[-1]
    for fairseq, soft_vc in RENAMED:
        if fairseq in name:
            return name.replace(fairseq, soft_vc)
    return name


def pack(weights):
    """Queries, keys and values one below the other, as torch.nn.MultiheadAttention has them."""
    packed = {name: value for name, value in weights.items() if not any(f".{x}_proj." in name for x in "qkv")}
    for name in weights:
        if ".q_proj." in name:
            rows = [weights[name.replace("q_proj", x + "_proj")] for x in "qkv"]
            packed[name.replace("q_proj.", "in_proj_")] = np.concatenate(rows)
    return packed


cases = pathlib.Path(sys.argv[1])
config = json.loads((cases / "../oracle/configs/tiny.json").read_text())
weights = load(cases / "../oracle/weights.py").synthesize(config, 0)
model = {rename(name): value for name, value in pack(weights).items()}
model["label_embedding.weight"] = np.zeros((100, config["final_dim"]), np.float32)
model["masked_spec_embed"] = np.zeros(config["encoder_embed_dim"], np.float32)
load(cases / "minitorch.py").save({"hubert": model}, sys.argv[2])
