"""Content features from Python: prints their shape and the first values.

    python extract.py MODEL [AUDIO]      without AUDIO a second of a tone
"""

import sys

import contentvec
import numpy as np


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit("usage: extract.py MODEL [AUDIO]")
    model = contentvec.load(sys.argv[1])
    if len(sys.argv) > 2:
        waveform = contentvec.load_audio(sys.argv[2])
    else:
        waveform = (0.1 * np.sin(0.1 * np.arange(16000))).astype(np.float32)
    features = np.asarray(model.extract(waveform))
    print(list(features.shape), *(f"{value:.4f}" for value in features.ravel()[:2]), "...")


if __name__ == "__main__":
    main()
