"""The extractor side by side with other engines on the same weights; started by bench/compare, which sets up.

Each engine runs in a process of its own. All are loaded, checked to agree, and then take turns, one extraction each,
so that whatever else the machine does falls on all of them. Writes a Markdown table and a JSON file.
"""
import argparse
import datetime
import itertools
import json
import os
import pathlib
import platform
import statistics
import sys
import time
import typing

import numpy as np

import report
from engines import CHOICES, ON_REQUEST, OURS, PRECISIONS, TITLES, Engine, EngineError, medians, take_turns

RATE = 16000
F32_BOUND = 1e-4  # largest difference of two float32 results; the features' standard deviation is about 1
ROWS = ("1", "3", "10", "30", "ragged")  # windows in seconds; 40 files
BF16_COSINE = 0.99  # least cosine of a frame with its float32 self; ours promises 0.9998, others' norms are bfloat16 too
LOW_PEAK = 0.85  # a row during which the processor reached less than this share of its best is void
UNSTEADY = 1.15  # so is one in which an engine's median was further above its fastest run: others used the caches


class Plan(typing.NamedTuple):
    """How much to measure; seconds."""

    windows: tuple
    ragged: tuple  # lengths of the utterances; none: without this row
    runs: int
    ragged_runs: int
    loads: int
    memory: tuple  # two lengths


class Files(typing.NamedTuple):
    checkpoint: pathlib.Path
    graph: pathlib.Path
    hf: pathlib.Path
    mlx: pathlib.Path
    waveform: pathlib.Path


def say(text):
    print(text, file=sys.stderr, flush=True)


def make_plan(arguments):
    if arguments.quick:
        # few lengths, of which each occurs several times: MLX makes a graph for every one
        return Plan((0.3,), (0.3, 0.6), 1, 1, 1, (0.3, 0.6))
    lengths = np.random.default_rng(3).uniform(1, 15, 40).round(2).tolist() if "ragged" in arguments.rows else []
    windows = tuple(int(row) for row in arguments.rows if row != "ragged")
    return Plan(windows, tuple(lengths), arguments.runs, max(3, arguments.runs // 3), arguments.loads, (10, 60))


def in_samples(lengths):
    """(begin, end) of utterances of these lengths in seconds, at different places of a minute."""
    ranges = []
    for index, seconds in enumerate(lengths):
        samples = int(seconds * RATE)
        begin = index * 7919 % (60 * RATE - samples + 1)
        ranges.append((begin, begin + samples))
    return ranges


def write_waveform(path):
    """A minute of noise that comes and goes, as speech does."""
    random = np.random.default_rng(0)
    t = np.arange(60 * RATE) / RATE
    waveform = random.normal(0, 0.1, t.size) * (0.55 + 0.45 * np.sin(2 * np.pi * 3 * t))
    waveform.astype(np.float32).tofile(path)


def usable_cpus():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def cpu_name():
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def best_settings(name, dtype, threads, files, quick):
    """The settings with which an engine is fastest here, tried on windows of 1 s."""
    choices = CHOICES.get(name, ({},))
    if quick or len(choices) == 1:
        return choices[0]
    times = []
    for settings in choices:
        with Engine(name, dtype, threads, files, settings) as engine:
            window = in_samples([1])
            times.append(statistics.median([engine.run(window) for _ in range(8)][3:]))
    best = choices[times.index(min(times))]
    say(f"{TITLES[name]}, {threads} threads: {best} is fastest ({', '.join(f'{ms:.1f}' for ms in times)} ms for 1 s)")
    return best


def features(engine, utterances, folder):
    """What an engine gives for these, [frames, 768], in double."""
    engine.run(utterances)
    path = folder / "features.f32"
    engine.ask(f"save {path}")
    found = np.fromfile(path, np.float32).reshape(-1, 768).astype(np.float64)
    path.unlink()
    return found


def difference_and_cosine(found, expected):
    """The largest difference of two values, and the least cosine of two frames."""
    norms = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    return np.abs(found - expected).max(), ((found * expected).sum(1) / norms).min()


class Comparison:
    def __init__(self, arguments, names, dtypes, files):
        self.plan = make_plan(arguments)
        self.quick = arguments.quick
        self.files = files
        self.out = arguments.out
        self.build = arguments.build
        self.deadline = time.monotonic() + arguments.limit
        self.kinds = [(name, dtype) for dtype in dtypes for name in names if dtype in PRECISIONS[name]]
        self.result = {"rows": [], "engines": {}, "peaks": {}}

    def start(self, threads):
        engines = []
        for name, dtype in self.kinds:
            settings = best_settings(name, dtype, threads, self.files, self.quick)
            engines.append(self.engine(name, dtype, threads, settings))
        return engines

    def engine(self, name, dtype, threads, settings=None):
        return Engine(name, dtype, threads, self.files, settings, build=self.build)

    def in_time(self, what):
        if time.monotonic() < self.deadline:
            return True
        say(f"{what}: left out, the time is over")
        return False

    def check_agreement(self, engines):
        """Exits when two engines do not compute the same from the same weights."""
        utterances = in_samples([0.3, 0.025, 0.6] if self.quick else [3, 0.025, 10, 1.3, 6])
        reference, *others = engines
        expected = features(reference, utterances, self.out)
        agreement, disagree = {}, []
        for engine in others:
            found = features(engine, utterances, self.out)
            if found.shape != expected.shape:
                sys.exit(f"{engine.title} gives {found.shape[0]} frames, {reference.title} {expected.shape[0]}")
            difference, cosine = difference_and_cosine(found, expected)
            same = difference <= F32_BOUND if engine.dtype == reference.dtype == "f32" else cosine >= BF16_COSINE
            agreement[engine.key] = f"{difference:.1e} (largest difference), {cosine:.6f} (least cosine)"
            say(f"{'agrees' if same else 'DISAGREES'}: {engine.title} with {reference.title}: {agreement[engine.key]}")
            if not same:
                disagree.append(engine.title)
        if disagree:
            sys.exit(f"not compared: {', '.join(disagree)} computes something else (bounds {F32_BOUND}, {BF16_COSINE})")
        self.result["reference"], self.result["agreement"] = reference.key, agreement

    def measure_row(self, engines, threads, window, label, utterances, runs):
        if not self.in_time(f"{threads} threads, {label}"):
            return
        peaks = [self.measure_peak(engines, threads)]
        times = take_turns(engines, utterances, runs)
        peaks.append(self.measure_peak(engines, threads))
        row = {"threads": threads, "window": window, "label": label, "runs": runs, "peak_medians": peaks}
        row["times_ms"] = times
        row["median_ms"] = medians(times)
        row["ratios"] = {dtype: report.ratios(row, dtype) for dtype in self.result["dtypes"]}
        row["gflops"] = {
            engine.key: sum(engine.ask(f"flops {end - begin}")["gflop"] for begin, end in utterances)
            / row["median_ms"][engine.key] * 1e3
            for engine in engines
            if engine.name == OURS
        }
        self.result["rows"].append(row)
        say(f"{threads} threads, {label}: " + ", ".join(f"{k} {ms:.1f} ms" for k, ms in row["median_ms"].items()))

    def measure_peak(self, engines, threads):
        """GFLOP/s that each of ours reaches on registers alone; remembers the best."""
        medians = {}
        for engine in engines:
            if engine.name != OURS:
                continue
            peak = engine.ask("peak")
            key = f"{threads}-{engine.dtype}"
            self.result["peaks"][key] = max(self.result["peaks"].get(key, 0), peak["best"])
            medians[key] = peak["median"]
        return medians

    def mark_void_rows(self):
        best = self.result["peaks"]
        for row in self.result["rows"]:
            slow = any(peak < LOW_PEAK * best[key] for peaks in row["peak_medians"] for key, peak in peaks.items())
            unsteady = any(row["median_ms"][key] > UNSTEADY * min(times) for key, times in row["times_ms"].items())
            row["void"] = slow or unsteady

    def measure_loading(self, threads):
        """Load times, the engines taking turns, and the memory each takes by itself."""
        short, long = (in_samples([seconds]) for seconds in self.plan.memory)
        loads = {}
        for turn, (name, dtype) in itertools.product(range(self.plan.loads), self.kinds):
            with self.engine(name, dtype, threads) as engine:
                loads.setdefault(engine.key, []).append(engine.info["load_ms"])
                if turn > 0:
                    continue
                memory = {"loaded_mb": engine.memory()}
                engine.forget_peak_memory()
                engine.run(short)
                running = engine.memory()
                memory["short_mb"] = max(memory["loaded_mb"], running)
                engine.run(long)
                extra = (self.plan.memory[1] - self.plan.memory[0]) / 10
                memory["per_10_s_mb"] = (engine.memory() - running) / extra
                self.result["engines"][engine.key] = {
                    "version": engine.info["version"],
                    "computes_in": self.computes_in(engine),
                    "memory": memory,
                }
                if name == OURS:
                    self.result["isa"] = engine.info["isa"]
        for key, values in loads.items():
            self.result["engines"][key]["load_ms"] = statistics.median(values)
            say(f"{key}: {self.result['engines'][key]}")
        self.result["memory_points"] = [f"after {seconds} s" for seconds in self.plan.memory]

    @staticmethod
    def computes_in(engine):
        """bfloat16 is a hint to OpenVINO, which it does not take on every processor."""
        return "f32" if "float32" in engine.info.get("precision", "") else engine.dtype

    def run(self, thread_counts, dtypes):
        self.result["dtypes"] = dtypes
        self.result["date"] = datetime.date.today().isoformat()
        self.result["machine"] = {"cpu": cpu_name(), "cpus": usable_cpus(), "system": platform.platform()}
        ragged = self.plan.ragged
        for index, threads in enumerate(thread_counts):
            engines = self.start(threads)
            if index == 0:
                self.check_agreement(engines)
            for seconds in self.plan.windows:
                label = f"{seconds:g} s"
                self.measure_row(engines, threads, label, label, in_samples([seconds]), self.plan.runs)
            if ragged:
                label = f"{len(ragged)} files, {min(ragged):.1f}-{max(ragged):.1f} s"
                self.measure_row(engines, threads, "ragged", label, in_samples(ragged), self.plan.ragged_runs)
            self.result.setdefault("settings", {})[threads] = {engine.key: engine.settings for engine in engines}
            for engine in engines:
                engine.close()
        if self.in_time("loading and memory"):
            self.measure_loading(max(thread_counts))
        self.mark_void_rows()
        return self.result


def listed(choices, convert=str):
    def parse(text):
        values = [convert(value) for value in text.split(",")]
        for value in values:
            if choices and value not in choices:
                raise argparse.ArgumentTypeError(f"{value!r} is not one of {', '.join(choices)}")
        return values

    return parse


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not 1 or more")
    return value


def parse_arguments():
    parser = argparse.ArgumentParser(prog="bench/compare", description=__doc__)
    on_request = [name for names in ON_REQUEST.values() for name in names]
    default = [name for name in TITLES if name not in on_request]
    parser.add_argument("--only", type=listed(TITLES), default=default, help=f"engines, of {','.join(TITLES)}")
    parser.add_argument("--torch", action="store_true", help="PyTorch too, which may download gigabytes")
    parser.add_argument("--mlx", action="store_true", help="this library and mlx-contentvec on MLX too")
    parser.add_argument("--dtypes", type=listed(("f32", "bf16")), default=["f32", "bf16"], help="f32,bf16")
    parser.add_argument("--rows", type=listed(ROWS), default=list(ROWS), help=f"what to measure, of {','.join(ROWS)}")
    parser.add_argument("--threads", type=listed(None, positive), help="thread counts (default: 1 and all)")
    parser.add_argument("--runs", type=positive, default=11, help="of each window; a third for the 40 files")
    parser.add_argument("--quick", action="store_true", help="tiny windows once, to see that everything works")
    parser.add_argument("--limit", type=positive, default=24 * 3600, help="seconds after which no row is begun")
    parser.add_argument("--loads", type=positive, default=5, help="how often each engine is loaded")
    parser.add_argument("--build", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    for option, names in ON_REQUEST.items():
        if getattr(arguments, option):
            arguments.only = arguments.only + [name for name in names if name not in arguments.only]
    if arguments.threads is None:
        arguments.threads = [usable_cpus()] if arguments.quick else sorted({1, usable_cpus()})
    return arguments


def main():
    arguments = parse_arguments()
    out = arguments.out
    files = Files(out / "base.safetensors", out / "hubert_base.onnx", out / "hf", out / "mlx.safetensors", out / "waveform.f32")
    write_waveform(files.waveform)
    for option, names in ON_REQUEST.items():
        for name in names:
            if name not in arguments.only:
                say(f"{TITLES[name]} is left out; --{option} takes it in")
    try:
        result = Comparison(arguments, arguments.only, arguments.dtypes, files).run(arguments.threads, arguments.dtypes)
    except EngineError as error:
        sys.exit(f"compare: {error}")
    name = "quick" if arguments.quick else "results"
    (out / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    text = report.markdown(result)
    (out / f"{name}.md").write_text(text)
    print(text)
    say(f"written: {out / name}.md and .json")


if __name__ == "__main__":
    main()
