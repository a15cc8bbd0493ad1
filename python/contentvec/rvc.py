"""RVC WebUI's `infer/hubert.py` over this library, `from contentvec.rvc import *` there (docs/rvc.md); its retrieval.

The functions need torch, whose tensors go in and come out; `Retriever` does not. Features are computed in float32, on the
CPU, or for RVC's device "mps" on the GPU where this build has MLX.
"""

from __future__ import annotations

import os
import typing
from pathlib import Path
from typing import Any

from ._arrays import stack
from ._drop_in import split_rows
from ._model import MODEL_OUTPUT, Device, Model, load
from ._retriever import Retriever

if typing.TYPE_CHECKING:
    import torch

__all__ = [
    "HUBERT_MODEL_PATH",
    "Retriever",
    "extract_hubert_features",
    "hubert_audio_requires_normalization",
    "load_hubert_model",
]


def _model_path() -> Path:
    """$CONTENTVEC_RVC_MODEL, else what RVC's folder, the working directory, has of its present and earlier files."""
    named = os.environ.get("CONTENTVEC_RVC_MODEL")
    if named:
        return Path(named)
    folder = Path("assets/hubert_base").resolve()
    earlier = Path("assets/hubert/hubert_base.pt").resolve()
    return earlier if earlier.is_file() and not folder.is_dir() else folder


#: The checkpoint load_hubert_model() opens, of any kind contentvec.load() reads; also a model's name on the hub.
HUBERT_MODEL_PATH = _model_path()


def _load(device: Device = "cpu") -> Model:
    if HUBERT_MODEL_PATH.is_absolute() and not HUBERT_MODEL_PATH.exists():  # a name of the hub is relative
        raise FileNotFoundError(
            f"no HuBERT model at {HUBERT_MODEL_PATH}; start in RVC's folder, or set CONTENTVEC_RVC_MODEL to a "
            "checkpoint or to rvc-hubert-base, which is then downloaded"
        )
    return load(HUBERT_MODEL_PATH, device=device)


class HubertModel:
    """What load_hubert_model() returns: the model, and the precision RVC asked for."""

    def __init__(self, model: Model, is_half: bool) -> None:
        self.model = model
        self.is_half = is_half


def load_hubert_model(device: Any, is_half: bool = False) -> HubertModel:
    """Opens HUBERT_MODEL_PATH; downloads it first where it is the name of a model on the hub.

    device: RVC's; features are computed on the CPU, for "mps" on the GPU where this build has MLX (contentvec.load's
        "auto"), and returned on the device of the waveform.
    is_half: features are returned in float16 (computed in float32).
    Raises FileNotFoundError where there is no model, contentvec.Error where it cannot be opened.
    """
    return HubertModel(_load("auto" if str(device).startswith("mps") else "cpu"), bool(is_half))


def hubert_audio_requires_normalization() -> bool:
    """Whether the caller is to bring waveforms to zero mean and unit variance, as the checkpoint says."""
    return bool(_load().config.normalize)


def extract_hubert_features(
    model: HubertModel, source: torch.Tensor, version: str, padding_mask: torch.Tensor | None = None
) -> torch.Tensor:
    """RVC's features of a batch.

    source: [batch, samples] at 16 kHz; normalised by the caller where that is needed.
    version: "v1", final_proj of layer 9 ([batch, frames, 256]); "v2", the model's output ([batch, frames, 768]).
    padding_mask: bool [batch, samples], True at the end of a row where it is padding: the row's features are then what
        its own samples alone give, and zero after them.
    Returns float32, or float16 for is_half, on source's device. Raises ValueError for another version,
    contentvec.Error for a waveform the model cannot take.
    """
    import torch

    if version not in ("v1", "v2"):
        raise ValueError(f'version is {version!r}; expected "v1" or "v2"')
    rows = split_rows(source, padding_mask)
    v1 = version == "v1"
    features = model.model.extract(rows, layer=9 if v1 else MODEL_OUTPUT, proj=v1, normalize=False)
    result = torch.from_numpy(stack(features, model.model.config.frames(source.shape[-1])))
    return result.to(source.device, torch.float16 if model.is_half else torch.float32)
