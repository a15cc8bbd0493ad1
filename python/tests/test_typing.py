"""What type checkers know of the package: extract() gives the kind of array it was given."""

import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("mypy")

SCRIPT = """
import numpy as np
import numpy.typing as npt
import contentvec
from contentvec.rvc import HubertModelWithFinalProj, Retriever

class Tensor:
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> object: ...
    def __getitem__(self, index: int) -> "Tensor": ...

model = contentvec.load("model.pt")
index = Retriever("voice.index")
double: npt.NDArray[np.float64]
tensor: Tensor
reveal_type(model.extract(double))
reveal_type(model.extract(tensor))
reveal_type(model.extract([double, double], layers="all"))
reveal_type(model.extract((tensor, tensor), layers=[1, "projected", None]))
reveal_type(model.extract_long(double))
reveal_type(model.extract_long(tensor))
reveal_type(index.blend(double))
reveal_type(index.blend(tensor))
reveal_type(contentvec.load_audio(b""))
model.extract("speech.wav")
model.extract(double, layer="last")
"""
FLOATS, TENSOR = "32", "script.Tensor"  # NumPy's name of float32 is long, and not the same in all its versions
EXPECTED = [FLOATS, TENSOR, FLOATS, TENSOR, FLOATS, TENSOR, "64", TENSOR, FLOATS]


def test_the_kind_of_array_is_known(tmp_path: pathlib.Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "mypy", "--strict", "--disable-error-code=empty-body", "script.py"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    lines = ran.stdout.splitlines()
    revealed = [line.split("Revealed type is ")[1] for line in lines if "Revealed type" in line]
    assert len(revealed) == len(EXPECTED), ran.stdout
    for text, expected in zip(revealed, EXPECTED):
        assert expected in text, ran.stdout
    assert ["list[" in text for text in revealed] == [False, False, True, True] + [False] * 5, ran.stdout
    refused = [line.split(":")[1] for line in lines if " error: " in line]
    assert len(refused) == len(set(refused)) == 2, ran.stdout  # the last two lines of the script
