"""contentvec.ray on a Ray of this machine with two actors; and the workers alone, which need no Ray."""

import os
import pathlib
import shutil
import signal

import numpy as np
import pytest
from conftest import ORACLE, ROOT

import contentvec
from contentvec import _dataset, _storage

MODEL = ORACLE / "checkpoints/tiny.fairseq.pt"
CONFIGS = ROOT / "tests/oracle-rvc/configs"
fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed: pip install 'contentvec[ray]'")


def write_noise(folder, count, noise):
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        contentvec.write_audio(folder / f"{i}.wav", noise(4000 + 500 * i, seed=i), 16000, encoding="float")
    return folder


def extractor(**options):
    chosen = {"layer": None, "final_proj": False, "normalize": None, "dtype": "f32", "threads": 1, "skip_existing": True}
    return _dataset.Extractor(model=str(MODEL), **{**chosen, **options})


def by_name(rows):
    return {pathlib.PurePath(row["path"]).name: row for row in rows}


def expected(path, **options):
    return contentvec.load(MODEL, threads=1).extract(contentvec.load_audio(path), **options)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


class TestWorker:
    def test_bad_files_are_told_and_the_rest_go_on(self, tmp_path, noise):
        folder = write_noise(tmp_path / "in", 4, noise)
        (folder / "broken.wav").write_bytes(b"RIFF")
        contentvec.write_audio(folder / "short.wav", noise(20), 16000)  # decodes, and spoils the batch it is in
        jobs = _dataset.plan([(str(folder), None)], str(tmp_path / "out"), ".npy")
        rows = by_name(extractor(layer=1).run(jobs))
        assert {name for name, row in rows.items() if row["error"]} == {"broken.wav", "short.wav"}
        assert names(tmp_path / "out") == [f"{i}.npy" for i in range(4)]
        for i in range(4):
            features = np.load(tmp_path / f"out/{i}.npy")
            np.testing.assert_array_equal(features, expected(folder / f"{i}.wav", layer=1))
            assert (rows[f"{i}.wav"]["frames"], rows[f"{i}.wav"]["dim"]) == features.shape
            assert rows[f"{i}.wav"]["audio_seconds"] == (4000 + 500 * i) / 16000

    def test_what_is_there_is_left_out_unless_it_is_unfit(self, tmp_path, noise):
        folder, out = write_noise(tmp_path / "in", 4, noise), tmp_path / "out"
        jobs = _dataset.plan([(str(folder), None)], str(out), ".npy")
        assert not any(row["skipped"] for row in extractor().run(jobs))
        whole = (out / "1.npy").read_bytes()
        (out / "1.npy").write_bytes(whole[:-4])
        np.save(out / "2.npy", np.zeros((3, 5), np.float32))
        (out / "3.npy").write_bytes(b"")
        rows = by_name(extractor().run(jobs))
        assert {name for name, row in rows.items() if row["skipped"]} == {"0.wav"}
        assert (out / "1.npy").read_bytes() == whole and all(row["error"] is None for row in rows.values())
        assert not any(row["skipped"] for row in extractor(skip_existing=False).run(jobs))

    def test_other_file_systems(self, tmp_path, noise):
        memory = fsspec.filesystem("memory")
        for path in write_noise(tmp_path / "in", 3, noise).iterdir():
            memory.pipe_file(f"/in/a/{path.name}", path.read_bytes())
        memory.pipe_file("/in/.hidden/x.wav", b"")
        jobs = _dataset.plan([("memory://in", None)], "memory://out/features", ".npy")
        assert [job.output for job in jobs] == [f"memory://out/features/a/{i}.npy" for i in range(3)]
        assert all(row["error"] is None for row in extractor().run(jobs))
        with memory.open("/out/features/a/2.npy") as file:
            np.testing.assert_array_equal(np.load(file), expected(tmp_path / "in/2.wav"))
        assert [row["skipped"] for row in extractor().run(jobs)] == [True] * 3
        memory.rm("/out", recursive=True)

    def test_a_write_that_fails_leaves_nothing(self, tmp_path, noise, monkeypatch):
        memory, module = fsspec.filesystem("memory"), pytest.importorskip("fsspec.implementations.memory")
        jobs = _dataset.plan([(str(write_noise(tmp_path / "in", 1, noise)), None)], "memory://broken", ".npy")

        class FullDisk(module.MemoryFile):
            def write(self, data):
                super().write(bytes(data)[:10])
                raise OSError("the disk is full")

        monkeypatch.setattr(module, "MemoryFile", FullDisk)
        (row,) = extractor().run(jobs)
        assert row["error"] == "OSError: the disk is full" and not memory.exists("/broken/0.npy")

    def test_folders_keep_their_structure_and_files_of_this_machine_may_be_urls(self, tmp_path, noise):
        write_noise(tmp_path / "in/deep", 1, noise)
        write_noise(tmp_path / "in/out", 1, noise)  # as an earlier run's conversions
        place = _storage.settled(f"file://{tmp_path}/in/", "a path")
        (job,) = _dataset.plan([(place, None)], str(tmp_path / "in/out"), ".wav")
        assert job == (str(tmp_path / "in/deep/0.wav"), str(tmp_path / "in/out/deep/0.wav"))

    def test_outputs_that_would_be_written_twice_are_refused(self, tmp_path, noise):
        folder = write_noise(tmp_path / "in", 1, noise)
        (tmp_path / "b").mkdir()
        shutil.copy(folder / "0.wav", tmp_path / "b/0.wav")
        both = [(str(folder / "0.wav"), None), (str(tmp_path / "b/0.wav"), None)]
        with pytest.raises(contentvec.Error, match="would both become"):
            _dataset.plan(both, str(tmp_path / "out"), ".npy")
        with pytest.raises(contentvec.Error, match="would overwrite"):
            _dataset.plan(both[:1], str(folder), ".wav")
        with pytest.raises(contentvec.Error, match="no audio file"):
            _dataset.plan([], str(tmp_path / "out"), ".npy")
        (tmp_path / "empty").mkdir()
        with pytest.raises(contentvec.Error, match=r"no audio file among the inputs \(.*/empty\)"):
            _dataset.plan([(str(tmp_path / "empty"), None)], str(tmp_path / "out"), ".npy")
        _dataset.plan([(*one[:1], f"{i}.npy") for i, one in enumerate(both)], str(tmp_path / "out"), ".npy")


@pytest.fixture(scope="module")
def on_ray():
    """contentvec.ray, on two CPUs of this machine."""
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'contentvec[ray]'")
    pytest.importorskip("ray.data", reason="Ray Data is not installed: pip install 'contentvec[ray]'")
    ray.init(num_cpus=2, include_dashboard=False, configure_logging=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    import contentvec.ray

    yield contentvec.ray
    ray.shutdown()


class TestRay:
    def test_a_worker_that_is_killed_loses_nothing(self, on_ray, tmp_path, noise, monkeypatch):
        folder, out = write_noise(tmp_path / "in", 16, noise), tmp_path / "out"
        (folder / "broken.wav").write_bytes(b"RIFF")
        killed = tmp_path / "killed"

        class KilledOnce(_dataset.Extractor):
            together = False

            def work(self, waveforms):
                if out.exists() and len(list(out.glob("*.npy"))) >= 3 and not killed.exists():
                    killed.touch()
                    (out / ".contentvec-1-2.tmp").touch()  # as if in the midst of a file
                    os.kill(os.getpid(), signal.SIGKILL)
                return super().work(waveforms)

        monkeypatch.setattr(on_ray, "Extractor", KilledOnce)
        options = {"model": MODEL, "output": out, "num_workers": 2, "layer": 1}
        rows = by_name(on_ray.extract_dataset(folder, **options).take_all())
        assert killed.exists() and len(rows) == 17
        assert [name for name, row in rows.items() if row["error"]] == ["broken.wav"]
        assert [name for name in names(out) if name.endswith(".npy")] == sorted(f"{i}.npy" for i in range(16))
        for i in range(16):
            np.testing.assert_array_equal(np.load(out / f"{i}.npy"), expected(folder / f"{i}.wav", layer=1))

        monkeypatch.undo()
        again = on_ray.ray.data.from_items([{"path": str(folder / f"{i}.wav"), "output": f"{i}.npy"} for i in range(16)])
        assert all(row["skipped"] for row in on_ray.extract_dataset(again, **options).take_all())

    def test_a_task_that_kills_its_workers_is_given_up(self, on_ray, tmp_path, noise):
        jobs = _dataset.plan([(str(write_noise(tmp_path / "in", 3, noise)), None)], str(tmp_path / "out"), ".npy")
        list(extractor().run(jobs[:1]))
        begun = on_ray._Attempts()
        options = {"model": str(MODEL), "layer": None, "final_proj": False, "normalize": None, "dtype": "f32", "threads": 1}
        actor = on_ray._Actor(_dataset.Extractor, {**options, "skip_existing": True}, on_ray._FEATURES, begun)
        task = on_ray.pa.Table.from_pylist([job._asdict() for job in jobs])
        for _ in range(on_ray._ATTEMPTS):
            begun.begin(jobs[0].output)  # and killed
        rows = [row for table in actor(task) for row in table.to_pylist()]
        assert [row["skipped"] for row in rows] == [True, False, False] and "was killed 4 times" in rows[1]["error"]

    def test_converts(self, on_ray, tmp_path, noise):
        folder = write_noise(tmp_path / "in", 2, lambda samples, seed: noise(16000, seed))
        parts = {
            "voice": f"synthetic:{CONFIGS / 'tiny-v2-48k.json'}",
            "model": f"synthetic:{CONFIGS / 'pipeline-hubert-v2.json'}",
            "pitch": f"synthetic:{CONFIGS / 'tiny-rmvpe.json'}",
        }
        rows = on_ray.convert_dataset(
            folder, output=f"file://{tmp_path}/out", **parts, num_workers=1, seed=5, key=3, encoding="float"
        ).take_all()
        assert [row["error"] for row in rows] == [None, None] and {row["seed"] for row in rows} == {5}
        model, voice = contentvec.load(parts["model"]), contentvec.Voice(parts["voice"])
        converter = contentvec.Converter(model, voice, contentvec.PitchEstimator(parts["pitch"]))
        converter.convert_file(folder / "1.wav", tmp_path / "one.wav", seed=5, key=3, encoding="float")
        assert (tmp_path / "out/1.wav").read_bytes() == (tmp_path / "one.wav").read_bytes()

    def test_wrong_use_is_told_before_anything_is_started(self, on_ray, tmp_path):
        with pytest.raises(TypeError, match="no option 'pich'"):
            on_ray.convert_dataset(tmp_path, output=tmp_path / "out", voice="v.pth", pich=3)
        with pytest.raises(contentvec.Error, match="called path"):
            on_ray.extract_dataset(on_ray.ray.data.from_items([{"file": "a.wav"}]), output=tmp_path / "out")
        with pytest.raises(contentvec.Error, match="num_workers is 0"):
            on_ray.extract_dataset(tmp_path / "a.wav", output=tmp_path / "out", num_workers=0)

    def test_more_workers_than_there_is_room_for_are_refused(self, on_ray, tmp_path):
        for options in ({"num_workers": 3}, {"num_workers": 1, "cpus_per_worker": 3}):
            with pytest.raises(contentvec.Error, match="there is room for"):
                on_ray.extract_dataset(tmp_path / "a.wav", output=tmp_path / "out", **options)

    def test_a_model_that_no_worker_finds_is_named(self, on_ray, tmp_path, noise, caplog):
        folder = write_noise(tmp_path / "in", 3, noise)
        with pytest.raises(contentvec.Error, match="could not load what it needs: /nowhere.pt") as raised:
            on_ray.extract_dataset(folder, model="/nowhere.pt", output=tmp_path / "out", num_workers=2)
        assert "\n" not in str(raised.value) and "model /nowhere.pt is not on this machine" in caplog.text
