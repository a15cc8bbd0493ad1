"""Another engine in a process of its own, driven as contentvec-bench-worker is (bench/worker.cc says how).

    peer_worker.py onnxruntime|openvino|torch|mlx-contentvec MODEL WAVEFORM.f32 THREADS f32|bf16|tf32 SETTINGS.json

Utterances of a batch go through one at a time, as none of these takes a ragged batch; on a GPU together, where they are
of one length. MODEL is hubert_base.onnx, or for
torch a Hugging Face directory, for mlx-contentvec its own layout. SETTINGS is a JSON object, whose keys each engine's function below has as parameters.
"""
import importlib
import importlib.metadata
import json
import resource
import sys
import time

import numpy as np


def load_onnxruntime(model, threads, dtype, spinning=True):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spinning)))
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda waveform: session.run(["features"], {"source": waveform[None]})[0][0], {}


def load_openvino(model, threads, dtype):
    import openvino

    core = openvino.Core()
    compiled = core.compile_model(
        model,
        "CPU",
        {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": "1",
            "INFERENCE_NUM_THREADS": str(threads),
            "INFERENCE_PRECISION_HINT": dtype,
        },
    )
    request = compiled.create_infer_request()

    def run(waveform):
        request.infer([waveform[None]], share_inputs=True)
        return request.get_output_tensor(0).data[0].copy()

    return run, {"precision": str(compiled.get_property("INFERENCE_PRECISION_HINT"))}


def load_torch(model, threads, dtype, device="cpu"):
    import torch
    from transformers import HubertModel

    torch.set_num_threads(threads)
    for products in (torch.backends.cuda.matmul, torch.backends.cudnn):
        products.allow_tf32 = dtype == "tf32"
    hubert = HubertModel.from_pretrained(model, dtype=torch.float32, attn_implementation="sdpa").eval().to(device)
    precision = torch.autocast(device, torch.bfloat16, enabled=dtype == "bf16")

    def run_all(waveforms):
        with torch.inference_mode(), precision:
            return hubert(torch.from_numpy(waveforms).to(device)).last_hidden_state.float().cpu().numpy()

    return lambda waveform: run_all(waveform[None])[0], {"device": device}, run_all


def load_mlx_contentvec(model, threads, dtype):
    """`threads` is MLX's own affair."""
    import mlx.core as mx
    from mlx_contentvec import ContentvecModel

    hubert = ContentvecModel(encoder_layers_1=0)
    hubert.load_weights(model)
    hubert.eval()
    return lambda waveform: np.array(hubert(mx.array(waveform[None]))["x"])[0], {}


LOADERS = {
    "onnxruntime": load_onnxruntime,
    "openvino": load_openvino,
    "torch": load_torch,
    "mlx-contentvec": load_mlx_contentvec,
}


def version_of(engine):
    importlib.import_module(engine.replace("-", "_"))
    return importlib.metadata.version(engine).split("-")[0]


def peak_memory_mb():
    """As the library's own peak_memory()."""
    try:
        with open("/proc/self/status") as status:
            fields = dict(line.split(":", 1) for line in status)
        return int(fields["VmHWM"].split()[0]) * 1024 / 1e6
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # bytes on macOS


def reply(**values):
    print(json.dumps(values), flush=True)


def main():
    engine, model, waveform_file, threads, dtype, settings = sys.argv[1:]
    version = version_of(engine)  # imports it: what is timed is loading the model
    start = time.perf_counter()
    run, more, *run_all = LOADERS[engine](model, int(threads), dtype, **json.loads(settings))
    reply(load_ms=(time.perf_counter() - start) * 1e3, version=version, **more)
    together = run_all[0] if more.get("device", "cpu") != "cpu" else None
    serve(np.fromfile(waveform_file, np.float32), run, together=together)


def serve(waveform, run, prepare=lambda utterance: utterance, finish=lambda result: result, together=None):
    """Answers commands until there are none: finish(run(prepare(utterance))) of each range, of which run() is timed.

    together: runs several of one length at once.
    """
    results = []
    for line in sys.stdin:
        command, *words = line.split()
        if command == "run":
            utterances = [prepare(waveform[slice(*map(int, word.split(":")))]) for word in words]
            start, cpu_start = time.perf_counter(), time.process_time()
            if together and len({len(utterance) for utterance in utterances}) == 1:
                results = together(np.stack(utterances))
            else:
                results = [run(utterance) for utterance in utterances]
            reply(ms=(time.perf_counter() - start) * 1e3, cpu_ms=(time.process_time() - cpu_start) * 1e3)
        elif command == "save":
            np.concatenate([finish(result) for result in results]).astype(np.float32).tofile(words[0])
            reply()
        elif command == "memory":
            reply(mb=peak_memory_mb())
        else:
            sys.exit(f"peer_worker: {command!r} is no command")


if __name__ == "__main__":
    main()
