"""What a process made by fork, as multiprocessing's on Linux, does with the models of its parent."""

import multiprocessing
import subprocess
import sys

import numpy as np
import pytest
from conftest import HAS_FAISS, ORACLE

import contentvec
from contentvec.rvc import Retriever

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="fork is the start method of Linux alone")

CHECKPOINT = ORACLE / "checkpoints/tiny.fairseq.pt"


def _in_child(action):
    """What `action` returns in a forked process; fails where that ends otherwise, or not at all."""
    context = multiprocessing.get_context("fork")
    answer, question = context.Pipe(duplex=False)
    process = context.Process(target=lambda: question.send(action()))
    process.start()
    if not answer.poll(60):
        process.kill()
        pytest.fail(f"the forked process gave no answer; its exit code is {process.exitcode}")
    result = answer.recv()
    process.join(60)
    assert process.exitcode == 0
    return result


def test_extracts_in_the_child(noise):
    model = contentvec.load(CHECKPOINT, threads=4)
    expected = model.extract(noise(16000))
    np.testing.assert_array_equal(_in_child(lambda: model.extract(noise(16000))), expected)
    np.testing.assert_array_equal(model.extract(noise(16000)), expected)


def test_a_model_of_the_childs_own(noise):
    expected = contentvec.load(CHECKPOINT, threads=4).extract(noise(16000))
    child = _in_child(lambda: contentvec.load(CHECKPOINT, threads=4).extract(noise(16000)))
    np.testing.assert_array_equal(child, expected)


@pytest.mark.parametrize("end", ["del model; sys.exit()", "sys.exit()", "os._exit(0)"])
def test_the_child_ends_in_any_way(end):
    script = f"""
import os, sys
import numpy as np
import contentvec
model = contentvec.load({str(CHECKPOINT)!r}, threads=8)
model.extract(np.zeros(16000, np.float32))
child = os.fork()
if child == 0:
    {end}
status = os.waitpid(child, 0)[1]
sys.exit(0 if status == 0 else f"the child ended with {{status}}")
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.skipif(not HAS_FAISS, reason="this build has no FAISS")
def test_builds_an_index_in_the_child():
    vectors = np.random.default_rng(0).standard_normal((1000, 8)).astype(np.float32)
    query = np.zeros((2, 8), np.float32)
    expected = Retriever.build(vectors).blend(query)
    np.testing.assert_array_equal(_in_child(lambda: Retriever.build(vectors).blend(query)), expected)
