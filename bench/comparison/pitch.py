"""Pitch side by side with other engines on the same weights; started by bench/compare --pitch, which sets up.

RMVPE in the released size with synthetic weights, against PyTorch (the program people run) and its network in ONNX Runtime
and OpenVINO; FCPE with its trained weights, against torchfcpe. All threads, float32. Engines are checked to agree, then take
turns. Writes a Markdown table and a JSON file.
"""
import argparse
import datetime
import json
import pathlib
import platform
import sys
import typing

import numpy as np

import report
from compare import LOW_PEAK, RATE, UNSTEADY, cpu_name, in_samples, positive, say, usable_cpus
from engines import HERE, OURS, ROOT, Engine, EngineError, medians, take_turns

TITLES = {
    OURS: "contentvec",
    "torch": "PyTorch",
    "onnxruntime": "ONNX Runtime (network alone)",
    "openvino": "OpenVINO (network alone)",
    "torchfcpe": "torchfcpe",
}
WINDOWS = (0.32, 1, 10)  # seconds
GFLOP_PER_SECOND = {"rmvpe": 7.2, "fcpe": 2.2}  # of audio
CENTS = 1  # how far apart two engines' pitches may be in all but UNLIKE of the frames, whose two best are as likely
UNLIKE = 0.02


class Method(typing.NamedTuple):
    """An estimator, its engines, and (bar, stretch) of what is wanted."""

    name: str
    peers: tuple
    times_ms: dict  # by window
    ratios: dict  # by window: of the program people run
    network_ratio: tuple | None  # of the fastest of the engines that are given the network alone
    peak_share: tuple | None  # at the longest window


METHODS = (
    Method(
        "rmvpe",
        ("torch", "onnxruntime", "openvino"),
        times_ms={0.32: (18, 10)},
        ratios={1: (1.5, 2.2), 10: (1.5, 2.2)},
        network_ratio=(1.2, 1.6),
        peak_share=(0.7, 1),
    ),
    Method("fcpe", ("torchfcpe",), times_ms={0.32: (6, 3)}, ratios={10: (3, 6)}, network_ratio=None, peak_share=None),
)
MEMORY_MB = (60, 30)  # after 10 s, beside the weights


class PitchEngine(Engine):
    clock = "ms"  # or cpu_ms: the process's

    def __init__(self, name, method, threads, files):
        self.name, self.dtype, self.settings = name, "f32", {}
        model = files.models[method]
        if name == OURS:
            command = [ROOT / "build/release/contentvec-bench-pitch-worker", model, files.waveform, threads, "f32"]
        else:
            model = files.graph if name in ("onnxruntime", "openvino") else model
            command = [sys.executable, HERE / "pitch_peer_worker.py", name, model, files.waveform, threads, "f32", files.wheel]
        self._start(command)

    @property
    def title(self):
        return TITLES[self.name]

    def run(self, utterances):
        return self.ask("run " + " ".join(f"{begin}:{end}" for begin, end in utterances))[self.clock]


class Files(typing.NamedTuple):
    models: dict
    graph: pathlib.Path
    wheel: pathlib.Path
    waveform: pathlib.Path


def write_waveform(path):
    """A minute of a voice that wanders between 90 and 250 Hz, with noise, and pauses."""
    random = np.random.default_rng(0)
    t = np.arange(60 * RATE) / RATE
    phase = 2 * np.pi * np.cumsum(150 * 2 ** (0.7 * np.sin(2 * np.pi * 0.3 * t))) / RATE
    voice = sum(np.sin(k * phase) / k for k in range(1, 20)) * np.clip(2 * np.sin(2 * np.pi * 0.9 * t) + 1, 0, 1)
    (0.1 * voice + random.normal(0, 0.01, t.size)).astype(np.float32).tofile(path)


def f0_of(engine, seconds, out):
    engine.run(in_samples([seconds]))
    path = out / "f0.f32"
    engine.ask(f"save {path}")
    f0 = np.fromfile(path, np.float32).astype(np.float64)
    path.unlink()
    return f0


def check_agreement(engines, out):
    """Exits when an engine does not give our pitch."""
    ours, *others = (f0_of(engine, 3, out) for engine in engines)
    for engine, f0 in zip(engines[1:], others):
        if len(f0) != len(ours):
            sys.exit(f"{engine.name} gives {len(f0)} frames, ours {len(ours)}")
        both = (f0 > 0) & (ours > 0)
        cents = np.abs(1200 * np.log2(f0[both] / ours[both]))
        unlike = (cents > CENTS).mean()
        say(f"{engine.name}: {np.quantile(cents, 0.98):.3f} cents in 98 of 100 frames, {cents.max():.3g} at most")
        if unlike > UNLIKE or ((f0 > 0) != (ours > 0)).mean() > UNLIKE:
            sys.exit(f"{engine.name} computes something else: {unlike:.0%} of the frames are over {CENTS} cent away")


def measure_memory(name, method, threads, files):
    """Megabytes that 10 s take beside what is there when the model is loaded."""
    with PitchEngine(name, method, threads, files) as engine:
        engine.forget_peak_memory()
        loaded = engine.memory()
        engine.run(in_samples([10]))
        return engine.memory() - loaded


def measure(method, files, arguments, threads):
    engines = [PitchEngine(name, method.name, threads, files) for name in (OURS, *method.peers)]
    rows = []
    try:
        check_agreement(engines, arguments.out)
        for seconds in (0.32,) if arguments.quick else WINDOWS:
            peaks = [engines[0].ask("peak")]
            times = take_turns(engines, in_samples([seconds]), arguments.runs)
            peaks.append(engines[0].ask("peak"))
            typical = {key: min(values) for key, values in times.items()} if arguments.busy else medians(times)
            rows.append({"method": method.name, "seconds": seconds, "times_ms": times, "typical_ms": typical, "peaks": peaks})
            say(f"{method.name}, {seconds:g} s: " + ", ".join(f"{key} {ms:.1f} ms" for key, ms in typical.items()))
    finally:
        for engine in engines:
            engine.close()
    return rows


def mark_void_rows(rows, busy):
    """As bench/compare does; returns the best peak."""
    best = max(peak["best"] for row in rows for peak in row["peaks"])
    for row in rows:
        slow = any(peak["median"] < LOW_PEAK * best for peak in row["peaks"])
        unsteady = any(row["typical_ms"][key] > UNSTEADY * min(times) for key, times in row["times_ms"].items())
        row["void"] = not busy and (slow or unsteady)
    return best


def ratio_cell(row, names, wanted):
    """How many times as fast as the fastest of these ours is."""
    times = [row["typical_ms"][f"{name}-f32"] for name in names if f"{name}-f32" in row["typical_ms"]]
    if not times:
        return ""
    text = f"{min(times) / row['typical_ms'][f'{OURS}-f32']:.2f}x"
    return f"{text} ({report.bar(wanted)})" if wanted else text


def markdown(result):
    names = list(TITLES)
    head = ["", "audio", *(TITLES[name] for name in names)]
    head += ["vs its program (bar / stretch)", "vs the faster network alone", "GFLOP/s, share of peak", ""]
    lines = []
    for row in result["rows"]:
        method = next(method for method in METHODS if method.name == row["method"])
        ours = row["typical_ms"][f"{OURS}-f32"]
        cells = [report.number(row["typical_ms"].get(f"{name}-f32"), "{:.1f} ms") for name in names]
        if row["seconds"] in method.times_ms and not result["busy"]:
            cells[0] += f" ({report.bar(method.times_ms[row['seconds']])})"
        program = ratio_cell(row, method.peers[:1], method.ratios.get(row["seconds"]))
        gflops = GFLOP_PER_SECOND[method.name] * row["seconds"] / ours * 1e3
        speed = f"{gflops:.0f}"
        if not result["busy"]:
            speed += f", {gflops / result['peak_gflops']:.0%}"
            if row["seconds"] == WINDOWS[-1] and method.peak_share:
                speed += " ({:.0%} / {:.0%})".format(*method.peak_share)
        network = ratio_cell(row, ("onnxruntime", "openvino"), method.network_ratio)
        lines.append([method.name, f"{row['seconds']:g} s", *cells, program, network, speed, "VOID" if row["void"] else ""])
    machine = result["machine"]
    parts = [
        f"{machine['cpu']}, {machine['cpus']} CPUs; {result['date']}. {result['method']} A ratio above 1 means that contentvec"
        " is faster. In brackets (bar / stretch).",
        report.table(head, lines),
        "**Memory of 10 s beside the loaded model** " + "; ".join(
            f"{method}: " + ", ".join(f"{TITLES[name]} {mb:.0f} MB" for name, mb in engines.items())
            for method, engines in result["memory_mb"].items()
        ) + f" ({report.bar(MEMORY_MB)})",
    ]
    return "\n\n".join(parts) + "\n"


def parse_arguments():
    parser = argparse.ArgumentParser(prog="bench/compare --pitch", description=__doc__)
    parser.add_argument("--pitch", action="store_true", help="this comparison")
    parser.add_argument("--runs", type=positive, default=11, help="of each window")
    parser.add_argument("--quick", action="store_true", help="the shortest window, to see that everything works")
    parser.add_argument("--busy", action="store_true", help="CPU time of one thread, for a machine that does other things")
    parser.add_argument("--out", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--wheels", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    out = arguments.out
    fcpe, rmvpe = (next(arguments.wheels.glob(pattern)) for pattern in ("torchfcpe-*.whl", "infer_rvc_python-*.whl"))
    files = Files({"rmvpe": out / "rmvpe.pt", "fcpe": fcpe}, out / "rmvpe.onnx", rmvpe, out / "pitch.f32")
    write_waveform(files.waveform)
    threads = usable_cpus()
    how = f"Medians of {arguments.runs} interleaved runs, float32, all threads."
    if arguments.busy:
        PitchEngine.clock, threads = "cpu_ms", 1
        how = f"CPU time of one thread, the least of {arguments.runs} interleaved runs, float32, on a machine that is not idle."
    machine = {"cpu": cpu_name(), "cpus": usable_cpus(), "system": platform.platform()}
    result = {"date": datetime.date.today().isoformat(), "machine": machine, "method": how, "busy": arguments.busy}
    try:
        result["rows"] = [row for method in METHODS for row in measure(method, files, arguments, threads)]
        result["memory_mb"] = {
            method.name: {name: measure_memory(name, method.name, threads, files) for name in (OURS, *method.peers)}
            for method in METHODS
        }
    except EngineError as error:
        sys.exit(f"compare: {error}")
    result["peak_gflops"] = mark_void_rows(result["rows"], arguments.busy)
    name = "pitch-quick" if arguments.quick else "pitch"
    (out / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    (out / f"{name}.md").write_text(markdown(result))
    print(markdown(result))
    say(f"written: {out / name}.md and .json")


if __name__ == "__main__":
    main()
