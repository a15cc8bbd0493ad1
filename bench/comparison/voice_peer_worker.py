"""Another engine's synthesizer in a process of its own, driven as contentvec-bench-voice-worker is (bench/voice_worker.cc).

    voice_peer_worker.py torch|onnxruntime|openvino WHEEL|GRAPHS FEATURES.f32 F0.f32 THREADS f32|bf16

WHEEL is infer-rvc-python's, GRAPHS the folder that bench/peers/make_voice_graphs.py fills: a graph for each length.
"""
import importlib.metadata
import sys
import time

import numpy as np

import peer_worker

FEATURES = 768


def coarse(f0):
    """RVC's pitch ids."""
    mel = 1127 * np.log1p(f0 / 700)
    lowest, highest = 1127 * np.log1p(50 / 700), 1127 * np.log1p(1100 / 700)
    return np.rint(np.clip(np.where(mel > 0, (mel - lowest) * 254 / (highest - lowest) + 1, 1), 1, 255)).astype(np.int64)


def load_torch(wheel, threads, dtype):
    import torch

    import voice_peers

    torch.set_num_threads(threads)
    synthesizer = voice_peers.load(wheel)

    def run(features, pitch, f0):
        model = voice_peers.WithoutNoise(synthesizer, features.shape[1])
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bf16"):
            return model(torch.from_numpy(features), torch.from_numpy(pitch), torch.from_numpy(f0)).float().numpy()

    return run


def load_onnxruntime(graphs, threads, dtype):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    sessions = {}

    def run(features, pitch, f0):
        frames = features.shape[1]
        if frames not in sessions:
            sessions[frames] = onnxruntime.InferenceSession(
                f"{graphs}/synthesizer-{frames}.onnx", options, providers=["CPUExecutionProvider"]
            )
        return sessions[frames].run(None, {"features": features, "pitch": pitch, "f0": f0})[0]

    return run


def load_openvino(graphs, threads, dtype):
    import openvino

    core = openvino.Core()
    settings = {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": "1", "INFERENCE_NUM_THREADS": str(threads)}
    settings["INFERENCE_PRECISION_HINT"] = dtype
    requests = {}

    def run(features, pitch, f0):
        frames = features.shape[1]
        if frames not in requests:
            model = core.compile_model(f"{graphs}/synthesizer-{frames}.onnx", "CPU", settings)
            requests[frames] = model.create_infer_request()
        requests[frames].infer([features, pitch, f0], share_inputs=True)
        return requests[frames].get_output_tensor(0).data

    return run


LOADERS = {"torch": load_torch, "onnxruntime": load_onnxruntime, "openvino": load_openvino}


def main():
    engine, source, features_file, f0_file, threads, dtype = sys.argv[1:]
    start = time.perf_counter()
    run = LOADERS[engine](source, int(threads), dtype)
    peer_worker.reply(
        load_ms=(time.perf_counter() - start) * 1e3, version=importlib.metadata.version(engine).split("-")[0]
    )
    features = np.fromfile(features_file, np.float32).reshape(-1, FEATURES)
    f0 = np.fromfile(f0_file, np.float32)

    def prepare(places):
        # The protocol's ranges are of the "waveform", which here are the numbers of the frames.
        begin, end = int(places[0]), int(places[-1]) + 1
        return features[None, begin:end].copy(), coarse(f0[None, begin:end]), f0[None, begin:end].copy()

    numbers = np.arange(len(f0), dtype=np.float64)
    peer_worker.serve(numbers, lambda inputs: run(*inputs), prepare, np.asarray)


if __name__ == "__main__":
    main()
