#!/usr/bin/env python3
"""Writes tests/data/units: small k-means models as scikit-learn and joblib write them, and the units NumPy gives.

    pip install numpy scikit-learn joblib
    scripts/make_units_data.py

km.joblib is a MiniBatchKMeans as fairseq's learn_kmeans.py makes it, float32 by the pickle protocol of Python 3.8 on;
double.joblib a KMeans in float64 by protocol 3, without the padding that joblib before 1.2 wrote none of; compressed.joblib
is not read. frames.npy are frames, units.json the nearest centre of each by numpy.argmin in float64.
"""
import json
import pathlib

import joblib
import joblib.numpy_pickle
import numpy as np
from sklearn.cluster import KMeans, MiniBatchKMeans

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests/data/units"
DIM, CLUSTERS = 20, 7


def without_padding(model, path):
    """As joblib up to 1.1."""
    wrapper = joblib.numpy_pickle.NumpyArrayWrapper
    made = wrapper.__init__

    def init(self, *arguments, **options):
        made(self, *arguments, **options)
        del self.numpy_array_alignment_bytes

    wrapper.__init__ = init
    joblib.dump(model, path, protocol=3)
    wrapper.__init__ = made


def main():
    OUT.mkdir(exist_ok=True)
    random = np.random.default_rng(11)
    features = random.standard_normal((400, DIM)).astype(np.float32)
    frames = random.standard_normal((60, DIM)).astype(np.float32)
    batch = MiniBatchKMeans(CLUSTERS, random_state=0, n_init=1, batch_size=100).fit(features)
    double = KMeans(CLUSTERS, random_state=0, n_init=1).fit(features.astype(np.float64))
    joblib.dump(batch, OUT / "km.joblib")
    without_padding(double, OUT / "double.joblib")
    joblib.dump(batch, OUT / "compressed.joblib", compress=3)
    np.save(OUT / "frames.npy", frames)
    units = {}
    for name, model in (("km", batch), ("double", double)):
        distances = ((frames[:, None].astype(np.float64) - model.cluster_centers_) ** 2).sum(axis=2)
        units[name] = distances.argmin(axis=1).tolist()
        assert units[name] == model.predict(frames.astype(model.cluster_centers_.dtype)).tolist()
    (OUT / "units.json").write_text(json.dumps(units) + "\n")


if __name__ == "__main__":
    main()
