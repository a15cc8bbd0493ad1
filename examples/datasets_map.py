"""Adds features to a data set of Hugging Face's `datasets`, in batches and, with more than one process, in parallel.

    python examples/datasets_map.py MODEL AUDIO...
"""

import sys

import contentvec
import datasets


def add_features(batch, model):
    """`model` pickles as its path, so that processes load it and `datasets` knows it again in its cache."""
    waveforms = [contentvec.load_audio(audio["bytes"] or audio["path"]) for audio in batch["audio"]]
    return {"features": model.extract(waveforms)}


def with_features(data, model, processes=None):
    """decode=False: contentvec reads the files, and neither torch nor torchcodec is needed."""
    data = data.cast_column("audio", datasets.Audio(decode=False))
    return data.map(add_features, batched=True, batch_size=8, fn_kwargs={"model": model}, num_proc=processes)


def main():
    model = contentvec.load(sys.argv[1])
    data = with_features(datasets.Dataset.from_dict({"audio": sys.argv[2:]}), model)
    for row in data.with_format("numpy"):
        print(row["audio"]["path"], row["features"].shape)


if __name__ == "__main__":
    main()
