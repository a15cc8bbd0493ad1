"""What fuzzing starts from: small files of the tests, by target. usage: collect_seeds.py FOLDER"""

import pathlib
import shutil
import pickle
import struct
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
    "zip": [path for path in CHECKPOINTS if zipfile.is_zipfile(path)],
    "legacy": [path for path in CHECKPOINTS if path.suffix == ".pt" and not zipfile.is_zipfile(path)],
    "model": CHECKPOINTS,
    "voice": files("tests/oracle-rvc/checkpoints/*.pth"),
    "pitch": [],
    "json": JSON,
    "config": JSON,
    "npy": files("tests/data/retrieval/*.npy", "tests/data/audio/*.npy"),
    "index": files("tests/data/retrieval/*.index"),
    "units": files("tests/data/units/*.joblib"),
    "audio": [path for path in files("tests/data/audio/*") if path.suffix not in (".npy", ".md")],
}


COUNT = 20_000  # of what each seed of many() has many of: quadratic code takes seconds for it


def iff(form, chunks):
    return b"FORM" + struct.pack(">I", 4 + len(chunks)) + form + chunks


def many():
    """Seeds in which one small thing stands many times: (target, name, content)."""
    empty = b"NAME" + bytes(4)
    samples = bytes(64)
    riff_format = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16)
    data = riff_format + empty * COUNT + b"data" + struct.pack("<I", len(samples)) + samples
    yield "audio", "chunks.wav", b"RIFF" + struct.pack("<I", 4 + len(data)) + b"WAVE" + data
    rate = bytes.fromhex("400cfa00000000000000")
    common = b"COMM" + struct.pack(">IHIH", 18, 1, 32, 16) + rate
    sound = b"SSND" + struct.pack(">I", 8 + len(samples)) + bytes(8) + samples
    yield "audio", "chunks.aiff", iff(b"AIFF", common + empty * COUNT + sound)
    voice = b"VHDR" + struct.pack(">IIIIHBBI", 20, 64, 0, 0, 16000, 1, 0, 65536)
    for form in (b"8SVX", b"16SV"):
        body = b"BODY" + struct.pack(">I", len(samples)) + samples
        yield "audio", f"chunks.{form.decode()}", iff(form, voice + empty * COUNT + body)
        yield "audio", f"chunks-alone.{form.decode()}", iff(form, empty * COUNT)
    description = b"desc" + struct.pack(">Qd4sIIIII", 32, 16000, b"lpcm", 0, 2, 1, 1, 16)
    caf = b"caff\0\1\0\0" + description + (b"info" + bytes(8)) * COUNT
    yield "audio", "chunks.caf", caf + b"data" + struct.pack(">QI", 4 + len(samples), 0) + samples
    voc = b"Creative Voice File\x1a" + struct.pack("<HHH", 26, 0x010A, 0x1129)
    yield "audio", "blocks.voc", voc + b"\5\1\0\0\0" * COUNT + b"\1\3\0\0\x83\0\x80\0"
    page = b"OggS" + bytes(22) + b"\0"
    yield "audio", "pages.ogg", page * COUNT
    yield "audio", "frames.mp3", (b"\xff\xfb\x10\xc4" + bytes(20)) * COUNT
    yield "pickle", "gets", b"\x80\2]q\0(" + b"h\0" * COUNT + b"e."
    yield "pickle", "puts", b"\x80\2]" + b"".join(b"r" + struct.pack("<I", i * 65536) for i in range(COUNT)) + b"."
    yield "pickle", "marks", b"\x80\2" + b"(" * COUNT + b"t" * COUNT + b"."
    yield "pickle", "keys", pickle.dumps({f"k{i}": i for i in range(COUNT)}, protocol=2)
    yield "pickle", "same-keys", b"\x80\2}(" + b"K\1K\2" * COUNT + b"u."
    keys = ", ".join(f'"k{i}": {{}}' for i in range(COUNT))
    yield "json", "keys", f"{{{keys}}}".encode()
    yield "json", "lists", b"[" + b"[]," * COUNT + b"[]]"
    yield "json", "depth", b"[" * COUNT
    header = ", ".join(f'"k{i}": {{"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}' for i in range(COUNT))
    yield "checkpoint", "tensors.safetensors", struct.pack("<Q", len(header) + 2) + f"{{{header}}}".encode()
    files = "".join(f', {{"rfilename": "f{i}"}}' for i in range(COUNT))
    listing = f'{{"sha": "{"0" * 40}", "siblings": [{{"rfilename": "a"}}{files}]}}'
    yield "reply", "files", f"200\n\n{listing}".encode()
    yield "reply", "headers", b"200\n" + b"".join(b"h%d: x\n" % i for i in range(COUNT)) + b"\n"
    yield "list", "lines", b"a.wav\n" * COUNT
    entries = 16_000  # more are refused
    archive = b"".join(struct.pack("<IHHHHHIIIHH", 0x04034B50, 10, 0, 0, 0, 0, 0, 0, 0, 6, 0) + b"%06d" % i for i in range(entries))
    names = b"".join(struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 10, 10, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, i * 36)
                     + b"%06d" % i for i in range(entries))
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, entries, entries, len(names), len(archive), 0)
    yield "zip", "entries", archive + names + end


def main():
    out = pathlib.Path(sys.argv[1])
    for target in ("pickle", "list", "hub", "reply", *SEEDS):
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
    for target, name, content in many():
        (out / target / f"many-{name}").write_bytes(content)


main()
