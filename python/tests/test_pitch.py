"""contentvec.PitchEstimator: what the library's own tests check of it in C++, only that it arrives."""

import pickle

import numpy as np
import pytest
from conftest import ROOT, read_safetensors, turns_during

import contentvec
from contentvec.rvc import RMVPE

ORACLE = ROOT / "tests/oracle-rvc"


def synthetic(config):
    return f"synthetic:{ORACLE / 'configs' / config}.json"


@pytest.fixture(params=["tiny-rmvpe.5119", "tiny-fcpe.16000"])
def golden(request):
    tensors, _ = read_safetensors(ORACLE / "golden" / f"{request.param}.safetensors")
    return contentvec.PitchEstimator(synthetic(request.param.split(".")[0])), tensors


def test_gives_the_references_pitch(golden):
    estimator, tensors = golden
    pitch = estimator.estimate(tensors["waveform"])
    assert pitch.f0.dtype == np.float32 and pitch.confidence.dtype == np.float32
    np.testing.assert_allclose(pitch.f0, tensors["f0"], rtol=1e-4)
    np.testing.assert_allclose(pitch.confidence, tensors["salience"].max(1), atol=2e-5)
    np.testing.assert_array_equal(estimator.estimate(tensors["waveform"].astype(np.float64)[:, None]).f0, pitch.f0)


def test_a_pickle_is_the_same_estimator(golden):
    estimator, tensors = golden
    copy = pickle.loads(pickle.dumps(estimator))
    assert copy.method == estimator.method
    np.testing.assert_array_equal(copy.estimate(tensors["waveform"]).f0, estimator.estimate(tensors["waveform"]).f0)


def test_a_list_gives_what_each_gives_alone():
    estimator = contentvec.PitchEstimator(synthetic("tiny-rmvpe"), threads=2)
    random = np.random.default_rng(2)
    waveforms = [random.standard_normal(n).astype(np.float32) * 0.1 for n in (3000, 700, 9000, 800, 513)]
    pitches = estimator.estimate(waveforms, threshold=0.2)
    assert estimator.estimate([]) == []
    for waveform, pitch in zip(waveforms, pitches):
        alone = estimator.estimate(waveform, threshold=0.2)
        np.testing.assert_array_equal(pitch.f0, alone.f0)
        np.testing.assert_array_equal(pitch.confidence, alone.confidence)
    with pytest.raises(contentvec.Error, match="waveform 1 of 2.*at least 513"):
        estimator.estimate([waveforms[0], waveforms[0][:512]])


def test_other_threads_run_meanwhile():
    estimator = contentvec.PitchEstimator(synthetic("base-rmvpe"))
    assert "rmvpe" in repr(estimator) and estimator.least_samples == 513
    waveform = np.random.default_rng(1).standard_normal(48000).astype(np.float32) * 0.1
    assert turns_during(lambda: estimator.estimate(waveform)) > 2


def test_errors_say_what_is_wrong():
    estimator = contentvec.PitchEstimator(synthetic("tiny-rmvpe"))
    with pytest.raises(contentvec.Error, match="at least 513"):
        estimator.estimate(np.zeros(512, np.float32))
    with pytest.raises(contentvec.Error, match="threshold"):
        estimator.estimate(np.zeros(600, np.float32), threshold=2)
    with pytest.raises(contentvec.Error, match="found a speech model"):
        contentvec.PitchEstimator(ROOT / "tests/oracle/checkpoints/tiny.fairseq.pt")


def test_what_is_done_with_f0():
    f0 = np.array([0, 100, 0, 200, 0], np.float32)
    np.testing.assert_allclose(contentvec.interpolate_unvoiced(f0), [100, 100, 150, 200, 200])
    np.testing.assert_allclose(contentvec.shift_semitones(f0, 12), 2 * f0)
    coarse = contentvec.coarse_pitch(np.array([0, 50, 1100, 5000], np.float32))
    assert coarse.dtype == np.int64 and coarse.tolist() == [1, 1, 255, 255]


def test_rvcs_own_way_of_calling():
    tensors, _ = read_safetensors(ORACLE / "golden/tiny-rmvpe.600.safetensors")
    rmvpe = RMVPE(synthetic("tiny-rmvpe"), is_half=True, device="cuda:0")
    f0 = rmvpe.infer_from_audio(tensors["waveform"], thred=0.03)
    assert f0.dtype == np.float64
    np.testing.assert_allclose(f0, tensors["f0"], rtol=1e-4)
    assert not rmvpe.infer_from_audio(tensors["waveform"], thred=0.999).any()
