#!/usr/bin/env python3
"""Checks `contentvec export --layout hf` in transformers and `--layout mlx` in mlx-contentvec.

Each exported checkpoint is loaded by the program whose layout it is in, run on the same second of noise as
`contentvec extract`, and the largest difference of their outputs printed; above 5e-5 the script fails. Needs NumPy and
whichever of these is to be checked (the other is skipped with a message):
    pip install torch transformers
    pip install 'mlx[cpu]' mlx-contentvec
"""
import importlib.util
import pathlib
import struct
import subprocess
import sys
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
CONTENTVEC = ROOT / "build/release/contentvec"
CHECKPOINTS = ROOT / "tests/oracle/checkpoints"
TINY = dict(
    conv_feature_layers="[(24,10,5)] + [(24,3,2)] * 4 + [(24,2,2)] * 2",
    encoder_embed_dim=48,
    encoder_ffn_embed_dim=112,
    encoder_attention_heads=4,
    encoder_layers=3,
    encoder_layers_1=0,
    conv_pos=16,
    conv_pos_groups=4,
)
LARGE = dict(TINY, extractor_mode="layer_norm", conv_bias=True, layer_norm_first=True)
TOLERANCE = 5e-5


def write_wav(path, samples):
    """A float32 WAV file, 16 kHz mono."""
    data = samples.astype("<f4").tobytes()
    form = struct.pack("<HHIIHH", 3, 1, 16000, 64000, 4, 32)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)


def contentvec(*arguments):
    subprocess.run([CONTENTVEC, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def run_transformers(folder, waveform, _):
    import torch
    from transformers import HubertModel

    model, report = HubertModel.from_pretrained(folder, output_loading_info=True)
    if report["missing_keys"] or report["mismatched_keys"]:
        sys.exit(f"transformers misses {report['missing_keys']} {report['mismatched_keys']}")
    with torch.no_grad():
        return model.float().eval()(torch.from_numpy(waveform)[None]).last_hidden_state[0].numpy()


def run_mlx_contentvec(folder, waveform, arguments):
    import mlx.core as mx
    from mlx_contentvec import ContentvecModel

    model = ContentvecModel(**arguments)
    model.load_weights(folder / "model.safetensors")
    model.eval()
    return np.array(model(mx.array(waveform[None]))["x"])[0]


def check(layout, run, spec, dtype, arguments):
    waveform = (np.random.default_rng(0).standard_normal(16000) * 0.1).astype(np.float32)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_wav(folder / "noise.wav", waveform)
        contentvec("export", spec, folder / "model.safetensors", "--layout", layout, "--dtype", dtype)
        contentvec("extract", folder / "noise.wav", "--model", folder / "model.safetensors", "--normalize", "off",
                   "--out", folder / "ours.npy")
        difference = np.abs(run(folder, waveform, arguments) - np.load(folder / "ours.npy")).max()
    print(f"{layout:4} {dtype} {pathlib.Path(spec).name:26} largest difference {difference:.1e}", flush=True)
    return difference <= TOLERANCE


def main():
    checks = [
        (CHECKPOINTS / "tiny.fairseq.pt", "f32", TINY),
        (CHECKPOINTS / "tiny-large.fairseq.pt", "f32", LARGE),
        (CHECKPOINTS / "tiny.fairseq.fp16.pt", "f16", TINY),
        ("synthetic:base", "f32", dict(encoder_layers_1=0)),
    ]
    good = True
    for layout, module, run in (("hf", "transformers", run_transformers), ("mlx", "mlx_contentvec", run_mlx_contentvec)):
        if importlib.util.find_spec(module) is None:
            print(f"{layout}: skipped, {module} is not installed")
            continue
        for spec, dtype, arguments in checks:
            if layout == "mlx" and dtype == "f16":
                continue  # mlx-contentvec computes in its weights' precision: its own float16 error would be measured
            good &= check(layout, run, spec, dtype, arguments)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
