"""The library on a GPU: the golden files, then times beside PyTorch's; started by bench/on-gpu, which says what it needs."""
import argparse
import json
import pathlib
import subprocess
import sys
import time
import typing

from compare import BF16_COSINE, F32_BOUND, Files, difference_and_cosine, features, in_samples, say, write_waveform
from engines import OURS_ON_MLX, ROOT, TITLES, Engine, EngineError, medians, take_turns
from report import table

LIMIT = 8 * 60  # seconds for all of it
FOR_TIMES = 3 * 60  # of them, kept for the table
TF32_COSINE = 0.9999
STAGES = {"convolutions": 0, "block 1": 1, "all": -1}  # up to there, as layers are numbered


class Plan(typing.NamedTuple):
    device: str  # ours
    torch: str  # theirs
    dtypes: tuple
    rows: dict  # lengths in seconds, by name
    runs: int


PLANS = {
    "gpu": Plan("gpu", "cuda", ("f32", "tf32", "bf16"), {"10 s": [10], "32 x 10 s": [10] * 32}, 11),
    "cpu": Plan("mlx", "cpu", ("f32", "bf16"), {"0.3 s": [0.3], "2 x 0.3 s": [0.3] * 2}, 1),
}


class OnGpu:
    def __init__(self, arguments, deadline):
        self.plan, self.build, self.out = PLANS[arguments.device], arguments.build.resolve(), arguments.out
        self.deadline, self.failed = deadline, False
        self.files = Files(
            checkpoint=self.out / "base.safetensors",
            graph=None,
            hf=self.out / "hf",
            mlx=None,
            waveform=self.out / "waveform.f32",
        )
        self.result = {"device": self.tool("contentvec", "info", "--devices", "--json"), "times_ms": {}, "cpu_ms": {}}

    def tool(self, name, *arguments, limit=None):
        command = [str(self.build / name), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit)
        if done.returncode != 0:
            raise EngineError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
        say(done.stderr.rstrip()) if done.stderr else None
        return done.stdout

    def left(self):
        return self.deadline - time.monotonic()

    def make_files(self):
        (self.out / "hf").mkdir(parents=True, exist_ok=True)
        write_waveform(self.files.waveform)
        for path, layout in ((self.files.checkpoint, "fairseq"), (self.files.hf / "model.safetensors", "hf")):
            if not path.exists():
                self.tool("contentvec", "export", "synthetic:base", path, "--layout", layout)

    def warm_up(self):
        """The first on a machine: how long MLX compiles is a result, too."""
        for dtype in self.plan.dtypes:
            text = self.tool("contentvec", "warmup", "--device", self.plan.device, "--dtype", dtype)
            say(f"warmup: {text.strip()}")
            self.result.setdefault("warmup", []).append(text.strip())

    def goldens(self):
        """Says whether the contract holds, which is no reason not to measure; a run cut short by the time says nothing."""
        limit = max(30, self.left() - FOR_TIMES)
        try:
            self.result["goldens"] = self.tool("contentvec-validate", self.plan.device, limit=limit)
        except subprocess.TimeoutExpired:
            self.result["goldens"] = f"not done in {limit:.0f} s\n"
        except EngineError as error:
            self.failed, self.result["goldens"] = True, str(error)
        print(self.result["goldens"])

    def engine(self, name, dtype):
        settings = {"device": self.plan.torch} if name == "torch" else None
        return Engine(name, dtype, 4, self.files, settings, build=self.build, device=self.plan.device)

    def check_agreement(self, ours, theirs):
        utterances = in_samples([next(iter(self.plan.rows.values()))[0]] * 2)
        found, expected = (features(engine, utterances, self.out) for engine in (ours, theirs))
        if found.shape != expected.shape:
            raise EngineError(f"{ours.title} gives {found.shape[0]} frames, {theirs.title} {expected.shape[0]}")
        difference, cosine = difference_and_cosine(found, expected)
        bound = {"f32": difference <= F32_BOUND, "tf32": cosine >= TF32_COSINE, "bf16": cosine >= BF16_COSINE}
        say(f"{ours.dtype}: largest difference {difference:.1e}, least cosine {cosine:.6f}")
        if not bound[ours.dtype]:
            raise EngineError(f"{ours.title} and {theirs.title} do not agree")

    def measure(self, dtype):
        with self.engine(OURS_ON_MLX, dtype) as ours, self.engine("torch", dtype) as theirs:
            self.check_agreement(ours, theirs)
            for row, lengths in self.plan.rows.items():
                utterances = in_samples(lengths)
                times = medians(take_turns([ours, theirs], utterances, self.plan.runs))
                cpu = [ours.ask_run(utterances)["cpu_ms"] for _ in range(self.plan.runs)]
                stages = {stage: self.time_to(ours, layer, utterances) for stage, layer in STAGES.items()}
                self.result["times_ms"][f"{row} {dtype}"] = {**times, "stages": stages}
                self.result["cpu_ms"][f"{row} {dtype}"] = sorted(cpu)[len(cpu) // 2]

    def time_to(self, ours, layer, utterances):
        """Milliseconds up to a stage: what is before the last one costs the difference."""
        ours.ask(f"layer {layer}")
        return medians(take_turns([ours], utterances, self.plan.runs))[ours.key]

    def markdown(self):
        rows = []
        for row, times in self.result["times_ms"].items():
            dtype = row.rsplit(" ", 1)[1]
            ours, theirs = times[f"{OURS_ON_MLX}-{dtype}"], times[f"torch-{dtype}"]
            stages = ", ".join(f"{ms:.1f}" for ms in times["stages"].values())
            rows.append([row, f"{ours:.1f}", f"{theirs:.1f}", f"{theirs / ours:.2f}x", f"{self.result['cpu_ms'][row]:.1f}", stages])
        head = ["audio", f"{TITLES[OURS_ON_MLX]}, ms", "PyTorch, ms", "ratio", "our CPU time, ms", "ours to " + ", ".join(STAGES)]
        return table(head, rows)

    def run(self):
        self.make_files()
        self.warm_up()
        self.goldens()
        for dtype in self.plan.dtypes:
            if self.left() < FOR_TIMES / len(self.plan.dtypes) / 2:
                say(f"{dtype}: not timed, the {LIMIT} s are over")
                continue
            self.measure(dtype)
        return self.markdown()


def main():
    parser = argparse.ArgumentParser(prog="bench/on-gpu", description=__doc__)
    parser.add_argument("--device", choices=list(PLANS), default="gpu", help="cpu: a dry run without a GPU")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/mlx")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build/on-gpu")
    arguments = parser.parse_args()
    start = time.monotonic()
    try:
        on_gpu = OnGpu(arguments, start + LIMIT)
        text = on_gpu.run()
    except EngineError as error:
        sys.exit(f"on-gpu: {error}")
    on_gpu.result["seconds"] = time.monotonic() - start
    (arguments.out / "results.json").write_text(json.dumps(on_gpu.result, indent=1) + "\n")
    (arguments.out / "results.md").write_text(text + "\n")
    print(text)
    say(f"{on_gpu.result['seconds']:.0f} s; written: {arguments.out}/results.md and .json")
    if on_gpu.failed:
        sys.exit("on-gpu: the golden files are beyond their bounds, as said above")


if __name__ == "__main__":
    main()
