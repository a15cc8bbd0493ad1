"""contentvec.VoiceStream: that the library's blocks arrive, and that threads may share one."""

import threading

import numpy as np
import pytest
from conftest import ROOT, turns_during

import contentvec

CONFIGS = ROOT / "tests/oracle-rvc/configs"
OPTIONS = {"rate": 16000, "block_ms": 100, "extra_ms": 300, "seed": 4}


def synthetic(config):
    return f"synthetic:{CONFIGS / config}.json"


@pytest.fixture(scope="module")
def parts():
    voice = contentvec.Voice(synthetic("tiny-v2-48k"), threads=2)
    pitch = contentvec.PitchEstimator(synthetic("tiny-rmvpe"), threads=2)
    return contentvec.load(synthetic("pipeline-hubert-v2"), threads=2), voice, pitch


def run(stream, samples):
    return np.concatenate([stream.process(block) for block in samples.reshape(-1, stream.block)])


def test_blocks_are_those_of_their_seed_and_settings(parts, noise):
    samples = noise(1600 * 6)
    stream = contentvec.VoiceStream(*parts, **OPTIONS, key=3)
    assert (stream.block, stream.rate, stream.latency) == (1600, 16000, 1600 + 800 + 160)
    heard = run(stream, samples)
    assert heard.dtype == np.float32 and heard.shape == samples.shape and np.abs(heard).max() > 0
    np.testing.assert_array_equal(run(contentvec.VoiceStream(*parts, **OPTIONS, key=3), samples), heard)
    assert (run(contentvec.VoiceStream(*parts, **OPTIONS), samples) != heard).any()
    stream.reset()
    np.testing.assert_array_equal(run(stream, samples), heard)
    stats = stream.stats
    assert stats.blocks == 12 and stats.failed == 0 and 0 < stats.mean_ms <= stats.worst_ms
    assert 0 <= stats.sola_offset <= 160 and stats.output_level > 0
    assert "1600 samples at 16000 Hz" in repr(stream)


def test_noise_is_taken_out_of_either_side(parts, noise):
    samples = noise(1600 * 3)
    plain = contentvec.VoiceStream(*parts, **OPTIONS)
    assert (plain.denoise_input, plain.denoise_output) == (False, False)
    expected = run(plain, samples)
    for side in ("denoise_input", "denoise_output"):
        stream = contentvec.VoiceStream(*parts, **OPTIONS, **{side: True})
        assert getattr(stream, side)
        assert stream.latency == plain.latency
        assert (run(stream, samples) != expected).any()


def test_a_bypassed_stream_is_the_input_later(parts, noise):
    stream = contentvec.VoiceStream(*parts, **OPTIONS, bypass=True)
    samples = noise(1600 * 4)
    late = stream.latency - stream.block
    np.testing.assert_allclose(run(stream, samples)[late:], samples[:-late], atol=1e-6)


def test_settings(parts, noise):
    stream = contentvec.VoiceStream(*parts, **OPTIONS, quality="fast", fast_context_ms=100)
    assert (stream.key, stream.gate_db, stream.unvoiced, stream.bypass) == (0, -60, "interpolate", False)
    stream.key = -4
    stream.set(formant=1, unvoiced="keep", bypass=True)
    assert (stream.key, stream.formant, stream.unvoiced, stream.bypass) == (-4, 1, "keep", True)
    with pytest.raises(contentvec.Error, match="key"):
        stream.set(formant=2, key=100)
    assert (stream.key, stream.formant) == (-4, 1)
    with pytest.raises(TypeError, match="no setting 'block'"):
        stream.set(block=3)
    with pytest.raises(TypeError, match="key is 'high'"):
        stream.key = "high"
    with pytest.raises(contentvec.Error, match='"interpolate" or "keep"'):
        stream.unvoiced = "drop"


def test_another_voice(parts, noise):
    stream = contentvec.VoiceStream(*parts, **OPTIONS)
    heard = run(stream, noise(4800))
    stream.reset()
    stream.set_voice(contentvec.Voice(synthetic("tiny-v2-24k-resblock2")))
    assert (run(stream, noise(4800)) != heard).any()
    with pytest.raises(contentvec.Error, match="layer 9"):
        stream.set_voice(contentvec.Voice(synthetic("tiny-v1-40k")))


def test_what_is_wrong_is_an_error(parts, noise):
    model, voice, _ = parts
    stream = contentvec.VoiceStream(*parts, **OPTIONS)
    with pytest.raises(contentvec.Error, match="1600 samples, found 1599"):
        stream.process(noise(1599))
    with pytest.raises(contentvec.Error, match="shape"):
        stream.process(np.zeros((2, 1600), np.float32))
    with pytest.raises(contentvec.Error, match="floating-point"):
        stream.process(np.zeros(1600, np.int16))
    with pytest.raises(contentvec.Error, match="pitch"):
        contentvec.VoiceStream(model, voice)
    with pytest.raises(contentvec.Error, match="quality"):
        contentvec.VoiceStream(*parts, quality="best")
    with pytest.raises(contentvec.Error, match="44101"):
        contentvec.VoiceStream(*parts, rate=44101)
    with pytest.raises(TypeError, match="no setting 'pitch_shift'"):
        contentvec.VoiceStream(*parts, pitch_shift=3)


def test_other_threads_run_during_a_block(parts, noise):
    stream = contentvec.VoiceStream(*parts, rate=16000, block_ms=2000)
    samples = noise(stream.block)
    assert turns_during(lambda: [stream.process(samples) for _ in range(3)]) > 10


def test_threads_share_a_stream(parts, noise):
    """Blocks of several threads go through one by one while others set what they set; no change is lost."""
    stream = contentvec.VoiceStream(*parts, **OPTIONS)

    def hand_in():
        for _ in range(5):
            stream.process(noise(1600))

    def change(name, last):
        for value in range(int(last) + 1):
            setattr(stream, name, type(last)(value))

    changes = [("key", 40), ("formant", 10), ("bypass", True)]
    threads = [threading.Thread(target=hand_in) for _ in range(3)]
    threads += [threading.Thread(target=change, args=args) for args in changes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stream.stats.blocks == 15 and stream.stats.failed == 0
    assert (stream.key, stream.formant, stream.bypass) == (40, 10, True)
