"""The peers' own code of pitch, imported without what it does not need here.

RMVPE: PyPI's infer-rvc-python has RVC's rmvpe.py, of which the network, the spectrogram and the decoding are used. FCPE:
PyPI's torchfcpe. Both ask for packages that only make a mel basis, or resample.
"""
import importlib.util
import json
import pathlib
import struct
import sys
import types
import zipfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
FRAMES_OF_PIXEL = 32  # of RMVPE's innermost layer: inputs are filled up to whole ones


def mel_basis():
    """RMVPE's, [128, 513]."""
    data = (ROOT / "tests/oracle-rvc/golden/rmvpe-mel-basis.safetensors").read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = {name: entry for name, entry in json.loads(data[8 : 8 + size]).items() if name != "__metadata__"}
    (entry,) = header.values()
    begin, end = (8 + size + place for place in entry["data_offsets"])
    return np.frombuffer(data[begin:end], np.float32).reshape(entry["shape"]).copy()


def stand_in(name, **members):
    """A module of that name with these members alone, in place of the package."""
    module = types.ModuleType(name)
    vars(module).update(members)
    sys.modules[name] = module
    return module


def import_rmvpe(wheel):
    """infer-rvc-python's rmvpe.py, from its wheel."""
    filters = stand_in("librosa.filters", mel=lambda **_: mel_basis())
    stand_in("librosa", filters=filters)
    source = zipfile.ZipFile(wheel).read("infer_rvc_python/lib/rmvpe.py")
    module = types.ModuleType("rmvpe")
    exec(compile(source, f"{wheel}/rmvpe.py", "exec"), vars(module))
    return module


def import_torchfcpe():
    stand_in("torchaudio", transforms=stand_in("torchaudio.transforms", Resample=None))
    import torchfcpe

    return torchfcpe


def import_weights():
    """The reference data's generator."""
    path = ROOT.parent / "shared/oracle-rvc/weights.py"
    if not path.exists():
        sys.exit(f"RMVPE's weights are made by {path}, which is not there")
    spec = importlib.util.spec_from_file_location("oracle_rvc_weights", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def filled_up(mel):
    """[128, frames] to whole pixels, with 0 in the log domain, as RVC does since July 2026."""
    return np.pad(mel, ((0, 0), (0, -mel.shape[1] % FRAMES_OF_PIXEL)))
