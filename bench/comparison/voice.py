"""Voices side by side with other engines on the same weights; started by bench/compare --voice, which sets up.

RVC's synthesizer (v2, 48 kHz) with synthetic weights, against PyTorch (infer-rvc-python's modules) and their export in ONNX
Runtime and OpenVINO; then a whole conversion, and what it takes in memory and to load. All threads. Engines are checked to
agree, then take turns. The others draw no noise, ours does. Writes a Markdown table and a JSON file.
"""
import argparse
import datetime
import json
import pathlib
import platform
import sys

import numpy as np

import report
from compare import RATE, cpu_name, positive, say, usable_cpus
from engines import HERE, OURS, ROOT, Engine, EngineError, medians, take_turns
from pitch import mark_void_rows

TITLES = {OURS: "contentvec", "torch": "PyTorch", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}
PEERS = {"f32": ("torch", "onnxruntime", "openvino"), "bf16": ("torch", "openvino")}
WINDOWS = (1, 3, 10)  # seconds
FRAMES = 100  # in a second
FEATURES = 768
SYNTHESIZER_GFLOP, CONVERSION_GFLOP = 112.5, 134  # in their direct form, of a second of audio
# (bar, stretch)
RATIOS = {"f32": (1.25, 1.7), "bf16": (1.2, 1.5)}
SYNTHESIZER_SHARE = {"f32": (1.05, 1.4)}
CONVERSION_SHARE = {"f32": (0.85, 1.1), "bf16": (1.3, 1.7)}
MEMORY_MB = (250, 120)
LOAD_S = (0.6, 0.3)
LEAST_SNR = 40  # dB, of another engine's float32 samples to ours
CONFIGS = "tests/oracle-rvc/configs"


def made_up(config):
    return f"synthetic:{ROOT / CONFIGS / config}.json"


def worker(*arguments):
    return [ROOT / "build/release/contentvec-bench-voice-worker", *arguments]


class VoiceEngine(Engine):
    """Synthesizes ranges of frames."""

    def __init__(self, name, dtype, threads, files):
        self.name, self.dtype, self.settings = name, dtype, {}
        if name == OURS:
            command = worker("synthesize", made_up("base-v2-48k"), files["features"], files["f0"], threads, dtype)
        else:
            source = files["wheel"] if name == "torch" else files["graphs"]
            command = [sys.executable, HERE / "voice_peer_worker.py", name, source, files["features"], files["f0"], threads, dtype]
        self._start(command)

    @property
    def title(self):
        return TITLES[self.name]


class ConversionEngine(Engine):
    """Converts ranges of samples, with the models that files have."""

    def __init__(self, dtype, threads, files):
        self.name, self.dtype, self.settings = OURS, dtype, {}
        self._start(worker("convert", files["voice"], files["model"], files["pitch"], files["waveform"], threads, dtype))

    title = "a whole conversion"


def write_inputs(out):
    """A minute of features that are no speech, and of a voice that glides between 90 and 250 Hz and pauses, the last second,
    too: there engines are held to each other, since the phase of their sine is a sum in float32, which drifts."""
    random = np.random.default_rng(0)
    frames = np.arange(60 * FRAMES)
    random.normal(0, 0.5, (len(frames) // 2, FEATURES)).repeat(2, 0).astype(np.float32).tofile(out / "features.f32")
    f0 = 150 * 2 ** (0.7 * np.sin(2 * np.pi * 0.3 * frames / FRAMES))
    np.where((frames % 90 < 70) & (frames < 59 * FRAMES), f0, 0).astype(np.float32).tofile(out / "f0.f32")
    t = np.arange(60 * RATE) / RATE
    phase = 2 * np.pi * np.cumsum(150 * 2 ** (0.7 * np.sin(2 * np.pi * 0.3 * t))) / RATE
    voice = sum(np.sin(k * phase) / k for k in range(1, 20)) * np.clip(2 * np.sin(2 * np.pi * 0.9 * t) + 1, 0, 1)
    (0.1 * voice + random.normal(0, 0.01, t.size)).astype(np.float32).tofile(out / "voice.f32")


def samples_of(engine, out):
    engine.run([(59 * FRAMES, 60 * FRAMES)])
    engine.ask(f"save {out / 'samples.f32'}")
    return np.fromfile(out / "samples.f32", np.float32).astype(np.float64)


def check_agreement(engines, out):
    """Exits when an engine does not give our samples."""
    ours, *others = (samples_of(engine, out) for engine in engines)
    for engine, samples in zip(engines[1:], others):
        if samples.shape != ours.shape:
            sys.exit(f"{engine.name} gives {len(samples)} samples, ours {len(ours)}")
        snr = 10 * np.log10((ours**2).sum() / ((samples - ours) ** 2).sum())
        say(f"{engine.name} {engine.dtype}: {snr:.1f} dB of its samples are ours")
        if engine.dtype == "f32" and snr < LEAST_SNR:
            sys.exit(f"{engine.name} computes something else")


def measure(engines, ranges, seconds, what, arguments):
    peaks = [engines[0].ask("peak")]
    times = take_turns(engines, ranges, arguments.runs)
    peaks.append(engines[0].ask("peak"))
    typical = {key: min(values) for key, values in times.items()} if arguments.busy else medians(times)
    say(f"{what}, {seconds:g} s: " + ", ".join(f"{key} {ms:.0f} ms" for key, ms in typical.items()))
    dtype = engines[0].dtype
    return {"what": what, "dtype": dtype, "seconds": seconds, "times_ms": times, "typical_ms": typical, "peaks": peaks}


def measure_synthesizers(dtype, files, arguments, threads):
    engines = [VoiceEngine(name, dtype, threads, files) for name in (OURS, *PEERS[dtype])]
    try:
        check_agreement(engines, arguments.out)
        windows = WINDOWS[:1] if arguments.quick else WINDOWS
        return [measure(engines, [(0, s * FRAMES)], s, "synthesizer", arguments) for s in windows]
    finally:
        for engine in engines:
            engine.close()


def measure_conversion(dtype, files, arguments, threads):
    """The row, and {"load_s", "memory_mb"}: of models that are files, loaded a second time; after a minute."""
    with ConversionEngine(dtype, threads, files):
        pass  # what is read from the disk is in memory now
    with ConversionEngine(dtype, threads, files) as engine:
        seconds = 1 if arguments.quick else 10
        engine.forget_peak_memory()
        loaded = engine.memory()
        row = measure([engine], [(0, seconds * RATE)], seconds, "conversion", arguments)
        engine.run([(0, (2 if arguments.quick else 60) * RATE)])
        return row, {"load_s": engine.info["load_ms"] / 1e3, "memory_mb": engine.memory() - loaded}


def markdown(result):
    head = ["", "type", "audio", *TITLES.values(), "vs the fastest other (bar / stretch)", "GFLOP/s, share of the float32 peak", ""]
    lines = []
    for row in result["rows"]:
        dtype, is_voice = row["dtype"], row["what"] == "synthesizer"
        times = {name: row["typical_ms"].get(f"{name}-{dtype}") for name in TITLES}
        others = [ms for name, ms in times.items() if name != OURS and ms]
        ratio = f"{min(others) / times[OURS]:.2f}x ({report.bar(RATIOS[dtype])})" if others else ""
        gflops = (SYNTHESIZER_GFLOP if is_voice else CONVERSION_GFLOP) * row["seconds"] / times[OURS] * 1e3
        share = (SYNTHESIZER_SHARE if is_voice else CONVERSION_SHARE).get(dtype)
        speed = f"{gflops:.0f}"
        if not result["busy"]:
            speed += f", {gflops / result['peak_gflops']:.0%}" + (" ({:.0%} / {:.0%})".format(*share) if share else "")
        cells = [report.number(ms, "{:.0f} ms") for ms in times.values()]
        lines.append([row["what"], dtype, f"{row['seconds']:g} s", *cells, ratio, speed, "VOID" if row["void"] else ""])
    machine = result["machine"]
    cost = "; ".join(
        f"{dtype}: {cost['memory_mb']:.0f} MB ({report.bar(MEMORY_MB)}), {cost['load_s']:.2f} s ({report.bar(LOAD_S)})"
        for dtype, cost in result["costs"].items()
    )
    return "\n\n".join([
        f"{machine['cpu']}, {machine['cpus']} CPUs; {result['date']}. {result['method']} A ratio above 1 means that contentvec"
        " is faster. In brackets (bar / stretch).",
        report.table(head, lines),
        f"**Memory of a conversion of 60 s beside the loaded models, and loading them from files in memory** {cost}",
    ]) + "\n"


def parse_arguments():
    parser = argparse.ArgumentParser(prog="bench/compare --voice", description=__doc__)
    parser.add_argument("--voice", action="store_true", help="this comparison")
    parser.add_argument("--runs", type=positive, default=7, help="turns of each engine (default: 7)")
    parser.add_argument("--dtypes", default="f32,bf16", help="which of f32, bf16 (default: both)")
    parser.add_argument("--quick", action="store_true", help="shows that it works, in short windows")
    parser.add_argument("--busy", action="store_true", help="the least of each engine's times, where others use the machine")
    parser.add_argument("--out", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--wheels", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    if arguments.quick:
        arguments.runs = 1
    out = arguments.out
    write_inputs(out)
    files = {
        "features": out / "features.f32",
        "f0": out / "f0.f32",
        "waveform": out / "voice.f32",
        "graphs": out / "voice-graphs",
        "wheel": next(arguments.wheels.glob("infer_rvc_python-*.whl")),
        "model": out / "base.safetensors",
        "pitch": out / "rmvpe.pt",
        "voice": out / "voice.safetensors",
    }
    threads = usable_cpus()
    rows, costs = [], {}
    try:
        for dtype in arguments.dtypes.split(","):
            rows += measure_synthesizers(dtype, files, arguments, threads)
            row, costs[dtype] = measure_conversion(dtype, files, arguments, threads)
            rows.append(row)
    except EngineError as error:
        sys.exit(f"bench/compare: {error}")
    # Shares are of the float32 peak, whatever the type.
    with VoiceEngine(OURS, "f32", threads, files) as engine:
        peak = engine.ask("peak")["best"]
    for dtype in costs:  # each type's products have a peak of their own
        mark_void_rows([row for row in rows if row["dtype"] == dtype], arguments.busy)
    turns = "The least of" if arguments.busy else "Medians of"
    result = {
        "date": datetime.date.today().isoformat(),
        "machine": {"cpu": cpu_name(), "cpus": threads, "system": platform.platform()},
        "method": f"{turns} {arguments.runs} interleaved runs, all threads.",
        "busy": arguments.busy,
        "peak_gflops": peak,
        "rows": rows,
        "costs": costs,
    }
    (out / "voice.json").write_text(json.dumps(result, indent=1))
    (out / "voice.md").write_text(markdown(result))
    print(markdown(result))
    say(f"written: {out / 'voice.md'} and .json")


if __name__ == "__main__":
    main()
