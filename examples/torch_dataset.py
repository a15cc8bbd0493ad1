"""Features as a torch Dataset, extracted by the workers of its DataLoader.

    python examples/torch_dataset.py MODEL AUDIO...
"""

import sys

import contentvec
import torch
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset


class Features(Dataset):
    """[frames, dim] float32 of each recording. `model`: one thread, since the workers share the processors."""

    def __init__(self, model, paths):
        self.model, self.paths = model, paths

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        return torch.from_numpy(self.model.extract_long(contentvec.load_audio(self.paths[index])))


def padded(batch):
    """[batch, frames, dim] with zeros after the shorter ones, and the frames of each."""
    return pad_sequence(batch, batch_first=True), torch.tensor([len(features) for features in batch])


def main():
    model = contentvec.load(sys.argv[1], threads=1)
    for features, frames in DataLoader(Features(model, sys.argv[2:]), batch_size=4, num_workers=2, collate_fn=padded):
        print(list(features.shape), frames.tolist())


if __name__ == "__main__":
    main()
