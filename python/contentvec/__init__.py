"""ContentVec / HuBERT speech features, and RVC voice conversion, natively.

    import contentvec

    model = contentvec.load("hubert_base.pt")
    features = model.extract(contentvec.load_audio("speech.wav"))   # [frames, 768]

    converter = contentvec.Converter(model, contentvec.Voice("singer.pth"), contentvec.PitchEstimator("rmvpe"))
    converter.convert_file("speech.wav", "sung.wav", key=12)

`ContentvecModel` is the class of mlx-contentvec over the same library; `contentvec.rvc` is for RVC,
`contentvec.mlx_rvc` mlx-rvc's interface.
"""

from ._audio import load_audio
from ._core import DownloadProgress, Error, ModelConfig, ModelInfo, StreamStats, VoiceInfo
from ._core import version as __version__
from ._drop_in import HF_REPO_ID, HF_WEIGHTS_FILE, ContentvecModel
from ._load import DeviceInfo, devices, export, inspect, load
from ._model import Model
from ._pitch import Pitch, PitchEstimator, coarse_pitch, interpolate_unvoiced, shift_semitones
from ._stream import VoiceStream
from ._voice import Converted, Converter, Voice, find_voice, inspect_voice, write_audio

__all__ = [
    "ContentvecModel",
    "Converted",
    "Converter",
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
    "StreamStats",
    "Voice",
    "VoiceInfo",
    "VoiceStream",
    "__version__",
    "coarse_pitch",
    "devices",
    "export",
    "find_voice",
    "inspect",
    "inspect_voice",
    "interpolate_unvoiced",
    "load",
    "load_audio",
    "shift_semitones",
    "write_audio",
]
