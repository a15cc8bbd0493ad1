"""RVC WebUI's `infer/hubert.py` over this library, `from contentvec.rvc import *` there (docs/rvc.md); its retrieval.

The functions need torch, whose tensors go in and come out; `Retriever` does not. Features are computed in float32, on the
CPU, or for RVC's device "mps" on the GPU where this build has MLX. `HubertModelWithFinalProj` is for Applio and other
programs that hold their HuBERT as a module.
"""

from __future__ import annotations

import os
import sys
import typing
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ._arrays import to_floats
from ._core import Error
from ._hubert import HubertModelWithFinalProj
from ._load import inspect, load, resolve
from ._model import Device
from ._pitch import PitchEstimator
from ._retriever import Retriever
from ._rvc_voice import Pipeline, Synthesizer, get_synthesizer

if typing.TYPE_CHECKING:
    import torch

__all__ = [
    "HUBERT_MODEL_PATH",
    "HubertModelWithFinalProj",
    "Pipeline",
    "RMVPE",
    "Retriever",
    "Synthesizer",
    "extract_hubert_features",
    "get_synthesizer",
    "hubert_audio_requires_normalization",
    "load_hubert_model",
]

#: The checkpoint load_hubert_model() opens, of any kind contentvec.load() reads. Settled when it is first asked for:
#: where CONTENTVEC_RVC_MODEL names a model of the hub, that is where it was downloaded to.
HUBERT_MODEL_PATH: Path


def __getattr__(name: str) -> Any:
    if name != "HUBERT_MODEL_PATH":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault(name, _model_path())


def _model_path() -> Path:
    """$CONTENTVEC_RVC_MODEL, else what RVC's folder, the working directory, has of its present and earlier files."""
    named = os.environ.get("CONTENTVEC_RVC_MODEL")
    if named:
        try:
            return Path(resolve(named)).absolute()
        except Error as error:  # load_hubert_model() raises it; RVC's window is to open all the same
            warnings.warn(f"CONTENTVEC_RVC_MODEL: {error}", stacklevel=3)
            return Path(named)
    folder = Path("assets/hubert_base").absolute()
    earlier = Path("assets/hubert/hubert_base.pt").absolute()
    return earlier if earlier.is_file() and not _holds_weights(folder) else folder


def _holds_weights(folder: Path) -> bool:
    """Whether there is more in it than RVC puts there when it starts, which is nothing."""
    return any(path.suffix in (".safetensors", ".bin", ".pt", ".pth") for path in folder.glob("*"))


def _checkpoint() -> Path:
    path: Path = sys.modules[__name__].HUBERT_MODEL_PATH
    if path.is_absolute() and not (path.is_file() or _holds_weights(path)):  # a name of the hub is relative
        raise FileNotFoundError(
            f"no HuBERT model at {path}; start in RVC's folder, or set CONTENTVEC_RVC_MODEL to a checkpoint or to "
            "rvc-hubert-base, which is then downloaded"
        )
    return path


def load_hubert_model(device: Any, is_half: bool = False) -> HubertModelWithFinalProj:
    """Opens HUBERT_MODEL_PATH.

    device: RVC's; features are computed on the CPU, for "mps" on the GPU where this build has MLX (contentvec.load's
        "auto"), and returned on the device of the waveform.
    is_half: features are returned in float16 (computed in float32).
    Raises FileNotFoundError where there is no model, contentvec.Error where it cannot be opened.
    """
    engine: Device = "auto" if str(device).startswith("mps") else "cpu"
    model = HubertModelWithFinalProj(load(_checkpoint(), device=engine))
    return model.to(device=device).half() if is_half else model.to(device=device)


def hubert_audio_requires_normalization() -> bool:
    """Whether the caller is to bring waveforms to zero mean and unit variance, as the checkpoint says."""
    return bool(inspect(_checkpoint(), digest=False).config.normalize)


def extract_hubert_features(
    model: HubertModelWithFinalProj, source: torch.Tensor, version: str, padding_mask: torch.Tensor | None = None
) -> torch.Tensor:
    """RVC's features of a batch.

    source: [batch, samples] at 16 kHz; normalised by the caller where that is needed.
    version: "v1", final_proj of layer 9 ([batch, frames, 256]); "v2", the model's output ([batch, frames, 768]).
    padding_mask: bool [batch, samples], True at the end of a row where it is padding: the row's features are then what
        its own samples alone give, and zero after them.
    Returns float32, or float16 for is_half, on source's device. Raises ValueError for another version,
    contentvec.Error for a waveform the model cannot take.
    """
    if version not in ("v1", "v2"):
        raise ValueError(f'version is {version!r}; expected "v1" or "v2"')
    v1 = version == "v1"
    features: torch.Tensor = model.features_of(source, padding_mask, [9 if v1 else None], final_proj=v1)[0]
    return features


class RMVPE:
    """RVC's pitch estimator, as its infer/rmvpe.py has it.

    model_path: rmvpe.pt.
    is_half, device: RVC's; f0 is computed in float32 on the CPU whatever they say.
    """

    def __init__(self, model_path: str | os.PathLike[str], is_half: bool = False, device: Any = None) -> None:
        self.model = PitchEstimator(model_path)
        self.is_half = is_half
        self.device = device

    def infer_from_audio(self, audio: Any, thred: float = 0.03) -> npt.NDArray[np.float64]:
        """f0 in Hz for each 10 ms, 0 where unvoiced, of a waveform at 16 kHz: NumPy's or torch's.

        thred: what RVC calls the threshold. Raises contentvec.Error.
        """
        f0 = self.model.estimate(audio, threshold=thred).f0
        return to_floats(f0, "f0").astype(np.float64)
