"""The engines that are compared, each in a process of its own that answers one line with one line."""
import json
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OURS = "contentvec"
OURS_ON_MLX = "contentvec-on-mlx"
TITLES = {
    OURS: "contentvec",
    "onnxruntime": "ONNX Runtime",
    "openvino": "OpenVINO",
    "torch": "PyTorch",
    OURS_ON_MLX: "contentvec on MLX",
    "mlx-contentvec": "mlx-contentvec",
}
# What is large or slow, and so compared where it is asked for.
ON_REQUEST = {"torch": ("torch",), "mlx": (OURS_ON_MLX, "mlx-contentvec")}
# The precisions each computes in: ONNX Runtime has no bfloat16 on x86.
PRECISIONS = {
    OURS: ("f32", "bf16"),
    "onnxruntime": ("f32",),
    "openvino": ("f32", "bf16"),
    "torch": ("f32", "bf16"),
    OURS_ON_MLX: ("f32", "bf16"),
    "mlx-contentvec": ("f32",),
}
# Settings whose best depends on the machine: the first run of a comparison finds it.
CHOICES = {"onnxruntime": ({"spinning": True}, {"spinning": False})}


PAUSE = 0.01  # seconds between two engines' turns: threads of the last one may still spin


class EngineError(Exception):
    pass


def take_turns(engines, utterances, runs):
    """Milliseconds of each engine's runs, by its key: all do it once unmeasured, then take turns."""
    for engine in engines:
        engine.run(utterances)  # what is made for a new length, and the caches
    times = {engine.key: [] for engine in engines}
    for turn in range(runs):
        first = turn % len(engines)
        for engine in engines[first:] + engines[:first]:
            time.sleep(PAUSE)
            times[engine.key].append(engine.run(utterances))
    return times


def medians(times):
    return {key: statistics.median(values) for key, values in times.items()}


class Engine:
    """One engine, loaded. Times are in milliseconds, memory in units of 1e6 bytes."""

    def __init__(self, name, dtype, threads, files, settings=None, build=None, device=None):
        """`build`, `device`: of ours, where they are not those of its name."""
        self.name, self.dtype, self.settings = name, dtype, settings or {}
        if name in (OURS, OURS_ON_MLX):
            build = build or ROOT / "build" / ("release" if name == OURS else "mlx")
            device = device or ("cpu" if name == OURS else "mlx")
            command = [build / "contentvec-bench-worker", files.checkpoint, files.waveform, threads, dtype, device]
        else:
            model = files.hf if name == "torch" else files.mlx if name == "mlx-contentvec" else files.graph
            command = [sys.executable, HERE / "peer_worker.py", name, model, files.waveform, threads, dtype]
            command.append(json.dumps(self.settings))
        self._start(command)

    def _start(self, command):
        self.process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.info = self._answer()

    @property
    def key(self):
        return f"{self.name}-{self.dtype}"

    @property
    def title(self):
        return f"{TITLES[self.name]} {self.dtype}"

    def _answer(self):
        line = self.process.stdout.readline()
        if not line.startswith("{"):
            self.close()
            raise EngineError(f"{self.title} ended (exit code {self.process.returncode}); what it said is above")
        return json.loads(line)

    def ask(self, command):
        try:
            self.process.stdin.write(command + "\n")
        except BrokenPipeError:
            pass  # _answer says so
        return self._answer()

    def ask_run(self, utterances):
        """Extracts these (begin, end) ranges of the waveform; returns {"ms", "cpu_ms"}, the latter of all threads."""
        return self.ask("run " + " ".join(f"{begin}:{end}" for begin, end in utterances))

    def run(self, utterances):
        return self.ask_run(utterances)["ms"]

    def memory(self):
        return self.ask("memory")["mb"]

    def forget_peak_memory(self):
        """Lets memory() begin anew from what is held now, where the system can (Linux)."""
        try:
            pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")
        except OSError:
            pass

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
