"""Another pitch estimator in a process of its own, driven as contentvec-bench-pitch-worker is (bench/pitch_worker.cc).

    pitch_peer_worker.py torch|onnxruntime|openvino|torchfcpe MODEL WAVEFORM.f32 THREADS f32 WHEEL

`torch` is RMVPE as infer-rvc-python has it, spectrogram and decoding included; torchfcpe likewise. Of ONNX Runtime and
OpenVINO, which are given the network alone, the network alone is timed: the spectrogram is there, and decoding is left out.
WHEEL is infer-rvc-python's.
"""
import contextlib
import importlib.metadata
import sys
import time

import numpy as np

import peer_worker
import pitch_peers

RATE = 16000
FFT, HOP = 1024, 160


def log_mel(waveform):
    """RMVPE's spectrogram [128, frames]."""
    padded = np.pad(waveform, FFT // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT)[::HOP]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT) / FFT)
    magnitudes = np.abs(np.fft.rfft(frames * window))
    return np.log(np.maximum(magnitudes @ pitch_peers.mel_basis().T, 1e-5)).T.astype(np.float32)


def mel_and_frames(waveform):
    mel = log_mel(waveform)
    return pitch_peers.filled_up(mel)[None], mel.shape[1]


def decoded(salience):
    """f0 where all frames count as voiced."""
    center = salience.argmax(1)[:, None] + np.arange(9)
    padded = np.pad(salience, ((0, 0), (4, 4)))
    cents = np.pad(20 * np.arange(360) + 1997.3794084376191, (4, 4))
    near = np.take_along_axis(padded, center, 1)
    return 10 * 2 ** ((near * cents[center]).sum(1) / near.sum(1) / 1200)


def network(run):
    """(run, prepare, finish) of an engine that takes a mel [1, 128, frames]: the first alone is timed."""
    return lambda prepared: (run(prepared[0])[0], prepared[1]), mel_and_frames, lambda result: decoded(result[0][: result[1]])


def load_onnxruntime(model, threads, wheel):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return network(lambda mel: session.run(None, {"mel": mel})[0])


def load_openvino(model, threads, wheel):
    import openvino

    settings = {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": "1", "INFERENCE_NUM_THREADS": str(threads)}
    compiled = openvino.Core().compile_model(model, "CPU", {**settings, "INFERENCE_PRECISION_HINT": "f32"})
    request = compiled.create_infer_request()

    def run(mel):
        request.infer([mel], share_inputs=True)
        return request.get_output_tensor(0).data

    return network(run)


def load_torch(model, threads, wheel):
    import torch

    torch.set_num_threads(threads)
    rmvpe = pitch_peers.import_rmvpe(wheel).RMVPE(model, is_half=False, device="cpu")

    def run(waveform):
        with torch.inference_mode():
            mel = rmvpe.mel_extractor(torch.from_numpy(waveform)[None], center=True)
            frames = mel.shape[-1]
            padding = (0, -frames % pitch_peers.FRAMES_OF_PIXEL)
            salience = rmvpe.model(torch.nn.functional.pad(mel, padding))[0, :frames].numpy()
            return rmvpe.decode(salience, thred=0.03)

    return run, np.array, np.asarray


def load_torchfcpe(model, threads, wheel):
    torchfcpe = pitch_peers.import_torchfcpe()
    import torch

    torch.set_num_threads(threads)
    fcpe = torchfcpe.spawn_bundled_infer_model(device="cpu")

    def run(waveform):
        with torch.inference_mode():
            wave = torch.from_numpy(waveform)[None, :, None]
            return fcpe.infer(wave, sr=RATE, decoder_mode="local_argmax", threshold=0.006)[0, :, 0].numpy()

    return run, np.array, np.asarray


LOADERS = {
    "onnxruntime": load_onnxruntime,
    "openvino": load_openvino,
    "torch": load_torch,
    "torchfcpe": load_torchfcpe,
}


def main():
    engine, model, waveform_file, threads, _, wheel = sys.argv[1:]
    start = time.perf_counter()
    with contextlib.redirect_stdout(sys.stderr):  # torchfcpe says what it does
        run, prepare, finish = LOADERS[engine](model, int(threads), wheel)
    version = importlib.metadata.version(engine).split("-")[0]
    peer_worker.reply(load_ms=(time.perf_counter() - start) * 1e3, version=version)
    peer_worker.serve(np.fromfile(waveform_file, np.float32), run, prepare, finish)


if __name__ == "__main__":
    main()
