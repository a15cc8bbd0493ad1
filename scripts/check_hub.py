#!/usr/bin/env python3
"""Shares one cache between contentvec and Python's huggingface_hub, in both directions.

    scripts/check_hub.py        # after a build: uses build/release/contentvec

Runs in a virtual environment of its own (build/check_hub), which it makes and fills from PyPI. The hub is
tests/hub/server.py. What one of the two downloaded, the other must find offline, at the same path and with
nothing downloaded again; downloads of both at once must not disturb each other.
"""
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parent.parent
VENV = ROOT / "build" / "check_hub"
PROGRAM = ROOT / "build" / "release" / "contentvec"
CHECKPOINTS = ROOT / "tests" / "oracle" / "checkpoints"
COMMIT = "c" * 40


def enter_venv():
    """Runs this script again in its virtual environment."""
    python = VENV / "bin" / "python"
    if not (VENV / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "huggingface_hub"],
                       check=True)
        (VENV / "ready").touch()
    os.execv(python, [python, *sys.argv])


def publish(folder, repo, files):
    for name, data in files.items():
        path = folder / repo / COMMIT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (folder / repo / "refs.json").write_text(json.dumps({"main": COMMIT}))


def requests(folder):
    return [json.loads(line) for line in (folder / "requests.jsonl").read_text().splitlines()]


def contentvec(spec, **environment):
    """Where contentvec finds or puts a model."""
    run = subprocess.run([PROGRAM, "info", spec, "--json"], env={**os.environ, **environment}, capture_output=True,
                         text=True, check=False)
    assert run.returncode == 0, run.stderr
    return pathlib.Path(json.loads(run.stdout)["source"])


def check_ours_for_python(folder, cache, hub):
    ours = contentvec("org/folder")
    before = len(requests(folder))
    for name in ("pytorch_model.bin", "config.json", "preprocessor_config.json"):
        theirs = hub.hf_hub_download("org/folder", name, local_files_only=True)
        assert pathlib.Path(theirs) == ours.parent / name, (theirs, ours)
    assert len(requests(folder)) == before
    online = hub.hf_hub_download("org/folder", "pytorch_model.bin")
    assert pathlib.Path(online) == ours
    assert [r["method"] for r in requests(folder)[before:] if r["server"] == "cdn"] == [], "downloaded again"
    ours = contentvec("org/file/model.pt")
    assert hub.try_to_load_from_cache("org/file", "model.pt") == str(ours)
    absent = hub.try_to_load_from_cache("org/file", "config.json")
    assert type(absent) is object, "what the repository lacks is noted as huggingface_hub notes it"
    scanned = {repo.repo_id: repo for repo in hub.scan_cache_dir(cache).repos}
    assert not hub.scan_cache_dir(cache).warnings, hub.scan_cache_dir(cache).warnings
    assert scanned["org/folder"].nb_files == 3 and scanned["org/file"].nb_files == 1


def check_python_for_ours(folder, hub):
    for name in ("pytorch_model.bin", "config.json", "preprocessor_config.json"):
        snapshot = pathlib.Path(hub.hf_hub_download("org/folder", name)).parent
    try:
        hub.hf_hub_download("org/folder", "processor_config.json")
    except hub.errors.EntryNotFoundError:
        pass  # and noted, so that ours need not ask for it
    before = len(requests(folder))
    assert contentvec("org/folder", HF_HUB_OFFLINE="1") == snapshot / "pytorch_model.bin"
    assert contentvec("org/folder@main", HF_HUB_OFFLINE="1") == snapshot / "pytorch_model.bin"
    assert contentvec("org/folder@" + COMMIT) == snapshot / "pytorch_model.bin"
    assert len(requests(folder)) == before
    assert contentvec("org/folder") == snapshot / "pytorch_model.bin"
    assert not any(r["server"] == "cdn" for r in requests(folder)[before:]), "downloaded again"


def check_both_at_once(folder, cache, hub):
    (folder / "faults.json").write_text(json.dumps([{"on": "GET", "at": "cdn", "slow": 0.2}]))
    paths = []
    threads = [threading.Thread(target=lambda: paths.append(contentvec("org/file/model.pt"))),
               threading.Thread(target=lambda: paths.append(pathlib.Path(hub.hf_hub_download("org/file", "model.pt"))))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (folder / "faults.json").unlink()
    assert len(paths) == 2 and paths[0] == paths[1], paths
    digest = hashlib.sha256(paths[0].read_bytes()).hexdigest()
    assert paths[0].resolve() == cache / "models--org--file" / "blobs" / digest
    fetched = [r for r in requests(folder) if r["server"] == "cdn" and r["method"] == "GET"]
    assert len(fetched) == 1, "the lock both take did not keep them apart"


def main():
    sys.path.insert(0, str(ROOT / "tests" / "hub"))
    import server

    checks = [check_ours_for_python, check_python_for_ours, check_both_at_once]
    for check in checks:
        with tempfile.TemporaryDirectory() as name:
            folder, cache = pathlib.Path(name).resolve() / "hub", pathlib.Path(name).resolve() / "cache"
            folder.mkdir()
            hub_folder = CHECKPOINTS / "tiny.hf"
            publish(folder, "org/folder", {path.name: path.read_bytes() for path in hub_folder.iterdir()})
            publish(folder, "org/file", {"model.pt": (CHECKPOINTS / "tiny.fairseq.pt").read_bytes()})
            endpoint, cdn = server.start(folder)
            for variable in [v for v in os.environ if v.startswith(("HF_", "HUGGINGFACE_"))]:
                del os.environ[variable]
            os.environ.update(HF_ENDPOINT=f"http://127.0.0.1:{endpoint.server_address[1]}", HF_HUB_CACHE=str(cache),
                              HF_HUB_DISABLE_PROGRESS_BARS="1", HF_HUB_DISABLE_TELEMETRY="1")
            hub = fresh_huggingface_hub()
            available = {"folder": folder, "cache": cache, "hub": hub}
            wanted = check.__code__.co_varnames[:check.__code__.co_argcount]
            check(**{name: available[name] for name in wanted})
            endpoint.shutdown()
            cdn.shutdown()
            print(f"{check.__name__}: ok", flush=True)
    print(f"huggingface_hub {hub.__version__} and contentvec share a cache")


def fresh_huggingface_hub():
    """It reads the environment once, when it is imported."""
    for module in [m for m in sys.modules if m.split(".")[0] == "huggingface_hub"]:
        del sys.modules[module]
    import huggingface_hub

    return huggingface_hub


if __name__ == "__main__":
    if pathlib.Path(sys.prefix) != VENV:
        enter_venv()
    main()
