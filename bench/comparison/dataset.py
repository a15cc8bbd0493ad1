"""Audio hours per hour on a made-up data set; started by bench/dataset, which sets up.

Every run is a whole process: start, loading the model, reading WAV files, extracting, writing .npy. Runs take turns,
and the medians of their times are compared, after a first round that warms the caches and whose outputs have to agree.
"""
import argparse
import json
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import time
import typing
import wave

import numpy as np

from compare import RATE, F32_BOUND, cpu_name, in_samples, positive, usable_cpus, write_waveform
from engines import ROOT
from peer_worker import load_onnxruntime, version_of
from report import table

PROGRAM = ROOT / "build/release/contentvec"


class Contestant(typing.NamedTuple):
    """`command` writes the features of every input into `outputs`."""

    title: str
    command: list
    outputs: pathlib.Path


class Setting(typing.NamedTuple):
    """What all have in common."""

    weights: pathlib.Path  # the folder of them
    folder: pathlib.Path  # where outputs go
    inputs: pathlib.Path
    threads: int


def make_recordings(folder, count, longest):
    """WAV files of 1 to `longest` s of noise, in no order of length. Returns their paths and lengths in samples."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    write_waveform(folder / "noise.f32")
    noise = np.fromfile(folder / "noise.f32", np.float32)
    (folder / "noise.f32").unlink()
    recordings = {}
    ranges = in_samples(np.random.default_rng(4).uniform(1, longest, count))
    for number, (begin, end) in enumerate(ranges):
        path = folder / f"{number:04}.wav"
        with wave.open(str(path), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(RATE)
            out.writeframes((noise[begin:end] * 32767).clip(-32768, 32767).astype("<i2").tobytes())
        recordings[path] = end - begin
    return recordings


def extract_with_onnxruntime(graph, inputs, outputs, threads, spinning):
    """What the process of the peer does."""
    run, _ = load_onnxruntime(graph, int(threads), "f32", spinning=bool(int(spinning)))
    for path in sorted(pathlib.Path(inputs).iterdir()):
        with wave.open(str(path)) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        np.save(pathlib.Path(outputs) / (path.stem + ".npy"), run(samples.astype(np.float32) / 32768))


def ours(setting, title, inputs, *options):
    outputs = setting.folder / title.replace(" ", "-")
    command = [PROGRAM, "extract", inputs, "--model", setting.weights / "base.safetensors", "--out", outputs]
    return Contestant(title, [*command, "--threads", setting.threads, *options], outputs)


def theirs(setting, spinning):
    outputs = setting.folder / f"onnxruntime-{spinning}"
    command = [sys.executable, __file__, "--worker", setting.weights / "hubert_base.onnx", setting.inputs, outputs]
    return Contestant("ONNX Runtime, one file at a time", [*command, setting.threads, spinning], outputs)


def beside_onnxruntime(setting):
    peer = fastest([theirs(setting, spinning) for spinning in (1, 0)])
    return [peer, ours(setting, "contentvec extract", setting.inputs)]


def in_several_orders(setting, recordings):
    """What `contentvec extract` makes of the same files in different orders and batches."""

    def in_order(name, paths):
        path = setting.folder / f"{name}.list"
        path.write_text("".join(f"{recording}\n" for recording in paths))
        return path

    by_length = sorted(recordings, key=recordings.get)
    return [
        ours(setting, "in the order of their names", setting.inputs),
        ours(setting, "longest first", in_order("longest", reversed(by_length))),
        ours(setting, "shortest first", in_order("shortest", by_length)),
        ours(setting, "one file at a time", setting.inputs, "--batch-seconds", 0),
    ]


def cpu_seconds():
    """Of all processes that were waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def timed(contestant):
    """Seconds that passed, and that processors worked: the second tells more where others work, too."""
    shutil.rmtree(contestant.outputs, ignore_errors=True)
    contestant.outputs.mkdir()
    start, cpu = time.perf_counter(), cpu_seconds()
    done = subprocess.run(list(map(str, contestant.command)), capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"dataset: {contestant.title} failed:\n{done.stderr}")
    return time.perf_counter() - start, cpu_seconds() - cpu


def fastest(contestants):
    """Of several settings of a peer; each runs once."""
    times = [timed(contestant) for contestant in contestants]
    return contestants[times.index(min(times))]


def largest_difference(a, b):
    names = sorted(path.name for path in a.iterdir())
    if names != sorted(path.name for path in b.iterdir()):
        sys.exit(f"dataset: {a} and {b} do not have the same files")
    return max(float(np.abs(np.load(a / name) - np.load(b / name)).max()) for name in names)


def check_agreement(contestants, bound):
    """Runs everyone once."""
    reference, *others = contestants
    timed(reference)
    largest = 0.0
    for other in others:
        timed(other)
        difference = largest_difference(reference.outputs, other.outputs)
        if not difference <= bound:
            sys.exit(f"dataset: {other.title} is {difference:.2g} from {reference.title}; expected {bound:g} at most")
        largest = max(largest, difference)
    return largest


def measure(contestants, rounds):
    """Everyone's times; somebody else begins each round."""
    times = {contestant.title: [] for contestant in contestants}
    for turn in range(rounds):
        first = turn % len(contestants)
        for contestant in contestants[first:] + contestants[:first]:
            times[contestant.title].append(timed(contestant))
        print(f"round {turn + 1} of {rounds}: " + ", ".join(f"{v[-1][0]:.1f} s" for v in times.values()), file=sys.stderr)
    return times


def summary(recordings, times):
    """Per contestant: audio hours per hour, and how many times its time the first one's was, round by round."""
    seconds = sum(recordings.values()) / RATE
    first = next(iter(times.values()))
    rows = {}
    for title, own in times.items():
        ratios = sorted(b / a for (a, _), (b, _) in zip(own, first))
        passed, worked = (statistics.median(values) for values in zip(*own))
        rows[title] = {
            "seconds": passed,
            "cpu_seconds": worked,
            "hours_per_hour": seconds / passed,
            "speed": statistics.median(ratios),
            "least": ratios[0],
            "most": ratios[-1],
        }
    return rows


def markdown(recordings, rows, arguments, difference):
    lengths = [samples / RATE for samples in recordings.values()]
    words = [
        f"{cpu_name()}, {arguments.threads} threads, float32; {len(lengths)} files of {min(lengths):.1f} to "
        f"{max(lengths):.1f} s, {sum(lengths) / 60:.1f} min; medians of {arguments.rounds} rounds, whole processes; "
        f"outputs differ by {difference:.1g} at most. Speed: beside the first line, in brackets its least and most.",
        table(
            ["", "audio hours per hour", "speed", "time", "CPU time"],
            [
                [title, f"{r['hours_per_hour']:.1f}", f"{r['speed']:.2f}x ({r['least']:.2f}-{r['most']:.2f})"]
                + [f"{r['seconds']:.1f} s", f"{r['cpu_seconds']:.1f} s"]
                for title, r in rows.items()
            ],
        ),
    ]
    return "\n\n".join(words) + "\n"


def parse_arguments():
    parser = argparse.ArgumentParser(prog="bench/dataset", description=__doc__)
    parser.add_argument("--files", type=positive, default=60)
    parser.add_argument("--rounds", type=positive, default=5)
    parser.add_argument("--threads", type=positive, default=usable_cpus())
    parser.add_argument("--orders", action="store_true", help="contentvec alone, in different orders and batches")
    parser.add_argument("--quick", action="store_true", help="four short files once, to see that everything works")
    parser.add_argument("--out", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.files, arguments.rounds = 4, 1
    return arguments


def main():
    if sys.argv[1:2] == ["--worker"]:
        return extract_with_onnxruntime(*sys.argv[2:])
    arguments = parse_arguments()
    folder = arguments.out / "dataset"
    folder.mkdir(exist_ok=True)
    setting = Setting(arguments.out, folder, folder / "wavs", arguments.threads)
    recordings = make_recordings(setting.inputs, arguments.files, 3 if arguments.quick else 15)
    contestants = in_several_orders(setting, recordings) if arguments.orders else beside_onnxruntime(setting)
    difference = check_agreement(contestants, 0 if arguments.orders else F32_BOUND)
    times = measure(contestants, arguments.rounds)
    rows = summary(recordings, times)
    text = markdown(recordings, rows, arguments, difference)
    name = "dataset-orders" if arguments.orders else "dataset"
    figures = {"cpu": cpu_name(), "threads": arguments.threads, "onnxruntime": version_of("onnxruntime")}
    figures |= {"times": times, "rows": rows}
    (arguments.out / f"{name}.json").write_text(json.dumps(figures, indent=1) + "\n")
    (arguments.out / f"{name}.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
