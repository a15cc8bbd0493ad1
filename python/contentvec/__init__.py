"""ContentVec / HuBERT speech features, natively: 16 kHz speech in, one content vector every 20 ms out.

    import contentvec

    model = contentvec.load("hubert_base.pt")
    features = model.extract(contentvec.load_audio("speech.wav"))   # [frames, 768]

`ContentvecModel` is the class of mlx-contentvec over the same library; `contentvec.rvc` is for RVC.
"""

from ._audio import load_audio
from ._core import DownloadProgress, Error, ModelConfig, ModelInfo
from ._core import version as __version__
from ._drop_in import HF_REPO_ID, HF_WEIGHTS_FILE, ContentvecModel
from ._load import DeviceInfo, devices, export, inspect, load
from ._model import Model
from ._pitch import Pitch, PitchEstimator, coarse_pitch, interpolate_unvoiced, shift_semitones

__all__ = [
    "ContentvecModel",
    "DeviceInfo",
    "DownloadProgress",
    "Error",
    "HF_REPO_ID",
    "HF_WEIGHTS_FILE",
    "Model",
    "ModelConfig",
    "ModelInfo",
    "Pitch",
    "PitchEstimator",
    "__version__",
    "coarse_pitch",
    "devices",
    "export",
    "inspect",
    "interpolate_unvoiced",
    "load",
    "load_audio",
    "shift_semitones",
]
