"""contentvec.ray beside `contentvec extract` on the same files; started by bench/ray.

Each takes one file and then all of them, in turns. The difference is what the others cost, without starting and loading:
on a large data set that is all there is. Time that passed tells little on a busy machine, so that what processors worked
is told, too: of the command, and of Ray's actors and of all else that Ray runs.
"""
import argparse
import logging
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import wave

import numpy as np
import ray

import contentvec.ray

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "build/compare/base.safetensors"
TICKS = os.sysconf("SC_CLK_TCK")


def make_recordings(folder, count):
    """WAV files of 2 to 15 s of noise; returns their seconds."""
    random = np.random.default_rng(4)
    seconds = random.uniform(2, 15, count)
    for i, length in enumerate(seconds):
        with wave.open(str(folder / f"{i:04}.wav"), "wb") as out:
            out.setparams((1, 2, 16000, 0, "NONE", ""))
            out.writeframes((random.standard_normal(int(length * 16000)) * 3000).astype("<i2").tobytes())
    return seconds


class Meter(threading.Thread):
    """Looks, several times a second, how long processors worked for what this process started, which may end meanwhile."""

    def __init__(self):
        super().__init__(daemon=True)
        self._ended, self.seconds = threading.Event(), {}

    def run(self):
        while not self._ended.wait(0.1):
            self.look()

    def look(self):
        found = {}
        for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            found[int(path.parent.name)] = int(fields[1]), (int(fields[11]) + int(fields[12])) / TICKS
        family = {os.getpid()}
        while more := {pid for pid, (parent, _) in found.items() if parent in family} - family:
            family |= more
        self.seconds.update({pid: found[pid][1] for pid in family})

    def stop(self):
        self._ended.set()
        self.join()
        self.look()


def emptied(folder):
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def by_command(files, out, options):
    start = time.perf_counter()
    before = os.times()
    command = [pathlib.Path(sys.executable).with_name("contentvec"), "extract", *files, "--model", MODEL, "--out", f"{out}/"]
    subprocess.run([*command, "--threads", str(options.workers * options.cpus)], check=True, capture_output=True)
    after = os.times()
    passed = time.perf_counter() - start
    return passed, after.children_user + after.children_system - before.children_user - before.children_system


def by_ray(files, out, options):
    start = time.perf_counter()
    meter = Meter()
    meter.look()
    before = dict(meter.seconds)
    meter.start()
    manifest = contentvec.ray.extract_dataset(
        files, model=MODEL, output=out, num_workers=options.workers, cpus_per_worker=options.cpus
    )
    passed = time.perf_counter() - start
    meter.stop()
    if not all(row["error"] is None and not row["skipped"] for row in manifest.take_all()):
        sys.exit("ray_dataset: some files were not extracted")
    return passed, sum(cpu - before.get(pid, 0) for pid, cpu in meter.seconds.items())


def main():
    parser = argparse.ArgumentParser()
    for name, default in (("files", 24), ("rounds", 3), ("workers", 1), ("cpus", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    logging.getLogger("ray").setLevel(logging.ERROR)
    ray.init(num_cpus=options.workers * options.cpus, include_dashboard=False, logging_level=logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False
    costs = {"contentvec extract": [], "contentvec.ray": []}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        seconds = make_recordings(folder, options.files)
        files = sorted(folder.glob("*.wav"))
        for _ in range(options.rounds):
            for (title, cost), run in zip(costs.items(), (by_command, by_ray)):
                one, every = (run(some, emptied(folder / "out"), options) for some in (files[:1], files))
                cost.append((one, every))
                print(f"{title}: one file {one[0]:.1f} s (CPU {one[1]:.1f}), all {every[0]:.1f} s (CPU {every[1]:.1f})")
    hours = (sum(seconds) - seconds[0]) / 3600
    for title, cost in costs.items():
        passed, cpu = (statistics.median(every[i] - one[i] for one, every in cost) for i in (0, 1))
        print(f"{title}: {hours * 3600 / passed:.1f} hours in an hour; {cpu / hours:.0f} CPU seconds for an hour")


if __name__ == "__main__":
    main()
