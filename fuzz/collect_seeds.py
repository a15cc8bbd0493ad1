"""What fuzzing starts from: small files of the tests, by target. usage: collect_seeds.py FOLDER"""

import pathlib
import shutil
import sys
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
MOST = 400_000  # bytes; what is larger teaches a fuzzer nothing and slows it down


def files(*patterns):
    return [path for pattern in patterns for path in sorted(ROOT.glob(pattern)) if path.stat().st_size <= MOST]


CHECKPOINTS = files("tests/oracle/checkpoints/**/*.pt", "tests/oracle/checkpoints/**/*.safetensors",
                    "tests/oracle/checkpoints/**/*.bin", "tests/data/torch/*.pt")
JSON = files("tests/oracle/configs/*.json", "tests/oracle/checkpoints/**/*.json")
SEEDS = {
    "checkpoint": CHECKPOINTS,
    "model": CHECKPOINTS,
    "json": JSON,
    "config": JSON,
    "npy": files("tests/data/retrieval/*.npy", "tests/data/audio/*.npy"),
    "index": files("tests/data/retrieval/*.index"),
    "audio": [path for path in files("tests/data/audio/*") if path.suffix not in (".npy", ".md")],
}


def main():
    out = pathlib.Path(sys.argv[1])
    for target in ("pickle", "list", "hub", *SEEDS):
        folder = out / target
        folder.mkdir(parents=True, exist_ok=True)
        own = ROOT / "fuzz/seeds" / target
        for path in [*SEEDS.get(target, []), *(own.iterdir() if own.is_dir() else [])]:
            shutil.copyfile(path, folder / path.relative_to(ROOT).as_posix().replace("/", "-"))
    for path in CHECKPOINTS:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                pickle = next(name for name in archive.namelist() if name.endswith("data.pkl"))
                (out / "pickle" / f"{path.name}.pkl").write_bytes(archive.read(pickle))
        elif path.read_bytes()[:1] == b"\x80":
            (out / "pickle" / f"{path.name}.pkl").write_bytes(path.read_bytes()[:100_000])
        else:  # safetensors
            content = path.read_bytes()
            header = content[8 : 8 + int.from_bytes(content[:8], "little")]
            (out / "json" / f"{path.name}.json").write_bytes(header)


main()
