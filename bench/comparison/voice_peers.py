"""The peer's own code of RVC's synthesizer: PyPI's infer-rvc-python, imported from its wheel without what it declares."""
import json
import pathlib
import sys

import torch

import pitch_peers

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIG = ROOT / "tests/oracle-rvc/configs/base-v2-48k.json"
FEATURES = 768


class WithoutNoise(torch.nn.Module):
    """The synthesizer from features, pitch ids and Hz to samples. No noise is drawn, so that engines can be held to each
    other; drawing it would take them a little longer."""

    def __init__(self, synthesizer, frames):
        super().__init__()
        self.synthesizer = synthesizer
        self.register_buffer("lengths", torch.tensor([frames]))
        self.register_buffer("speaker", torch.tensor([0]))

    def forward(self, features, pitch, f0):
        return self.synthesizer.infer(features, self.lengths, pitch, f0, self.speaker)[0][0, 0]


def import_models(wheel):
    sys.path.insert(0, str(wheel))
    # Its package pulls in all of the program; the folder below stands alone.
    pitch_peers.stand_in("scipy")  # imported and not used
    package = pitch_peers.stand_in("infer_rvc_python")
    package.__path__ = [f"{wheel}/infer_rvc_python"]
    from infer_rvc_python.lib.infer_pack import models

    torch.randn_like = torch.zeros_like
    torch.rand = torch.zeros
    return models


def load(wheel):
    """The synthesizer with the synthetic weights that `synthetic:CONFIG` stands for."""
    config = json.loads(CONFIG.read_text())
    made = pitch_peers.import_weights().synthesize(config)
    sizes = {
        name: config[name]
        for name in (
            "inter_channels hidden_channels filter_channels n_heads n_layers kernel_size resblock resblock_kernel_sizes "
            "resblock_dilation_sizes upsample_rates upsample_initial_channel upsample_kernel_sizes gin_channels"
        ).split()
    }
    speakers = made["emb_g.weight"].shape[0]
    model = import_models(wheel).SynthesizerTrnMs768NSFsid(
        1025, 32, p_dropout=0, spk_embed_dim=speakers, sr=config["sr"], is_half=False, **{**sizes, "resblock": str(sizes["resblock"])}
    )
    del model.enc_q
    missing, unexpected = model.load_state_dict({name: torch.from_numpy(value) for name, value in made.items()}, strict=False)
    if missing or unexpected:
        sys.exit(f"the weights do not fit: {missing} are missing, {unexpected} too many")
    model.eval()
    model.dec.remove_weight_norm()
    model.flow.remove_weight_norm()
    return model
