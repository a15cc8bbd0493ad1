"""contentvec.rvc.Retriever: what the library's own tests check of it in C++, only that it arrives."""

import numpy as np
import pytest
from conftest import HAS_FAISS, ROOT, turns_during

import contentvec
from contentvec.rvc import Retriever

DATA = ROOT / "tests/data/retrieval"

needs_faiss = pytest.mark.skipif(not HAS_FAISS, reason="this build has no FAISS")


def _bound(expected):
    """NumPy's weights have the relative errors of float32 distances over 16 dimensions, squared."""
    return 4 * 16 * np.finfo(np.float32).eps * np.abs(expected).max()


@pytest.fixture
def retriever():
    return Retriever(DATA / "added.index")


@pytest.fixture
def queries():
    return np.load(DATA / "queries_added.npy")


@pytest.fixture
def vectors():
    """400 vectors of 16 around two centres."""
    random = np.random.default_rng(1)
    return (random.standard_normal((400, 16)) + 10 * random.integers(2, size=(400, 1))).astype(np.float32)


@pytest.mark.skipif(HAS_FAISS, reason="this build has FAISS")
def test_a_build_without_faiss_says_how_to_get_it(vectors, tmp_path):
    np.save(tmp_path / "a.npy", vectors)
    for make in (
        lambda: Retriever(DATA / "added.index"),
        lambda: Retriever.build(vectors),
        lambda: Retriever.build_from_folder(tmp_path),
    ):
        with pytest.raises(contentvec.Error, match="no FAISS.*-DCONTENTVEC_FAISS=ON"):
            make()


@needs_faiss
def test_blends_as_rvc_and_exact_hits_without_nan(retriever, queries):
    """The last five queries are vectors of the index, where RVC computes NaN."""
    expected = np.load(DATA / "blend_added.npy")
    blended = retriever.blend(queries)
    assert blended.dtype == np.float32
    assert np.abs(blended - expected).max() <= _bound(expected)
    exact = retriever.blend(queries[-5:], index_rate=1)
    assert np.array_equal(exact, queries[-5:])
    assert np.array_equal(retriever.blend(queries, 0), queries)
    assert (retriever.size, retriever.dim, retriever.lists) == (400, 16, 10)


@needs_faiss
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(25, 16), (1, 25, 16), (5, 5, 16)])
def test_blend_keeps_shape_and_type(retriever, queries, dtype, shape):
    features = queries.reshape(shape).astype(dtype)
    blended = retriever.blend(features, 0.5)
    assert blended.shape == shape and blended.dtype == dtype
    expected = retriever.blend(features.reshape(-1, 16).astype(np.float32), 0.5)
    assert np.array_equal(blended.reshape(-1, 16), expected.astype(dtype))
    assert retriever.blend(features[:0], 0.5).shape == features[:0].shape


@needs_faiss
def test_blend_searches_as_many_lists_as_it_is_told():
    random = np.random.default_rng(2)
    retriever = Retriever.build(random.standard_normal((1000, 16)).astype(np.float32))
    queries = random.standard_normal((20, 16)).astype(np.float32)
    assert np.array_equal(retriever.blend(queries, 1, nprobe=1), retriever.blend(queries, 1))
    everywhere = retriever.blend(queries, 1, nprobe=retriever.lists)
    assert not np.array_equal(everywhere, retriever.blend(queries, 1))
    assert np.array_equal(everywhere, retriever.blend(queries, 1, nprobe=1000))
    with pytest.raises(contentvec.Error, match="nprobe"):
        retriever.blend(queries, nprobe=-1)


@needs_faiss
def test_blend_takes_torch_tensors(retriever, queries):
    torch = pytest.importorskip("torch")
    features = torch.from_numpy(queries)[None].half()
    blended = retriever.blend(features, 0.5)
    assert blended.dtype == torch.float16 and blended.device == features.device
    assert np.array_equal(blended.numpy(), retriever.blend(features.numpy(), 0.5))


@needs_faiss
def test_refuses_what_it_cannot_blend(retriever, queries):
    holed = queries.copy()
    holed[3, 3] = np.nan
    for call, message in [
        (lambda: retriever.blend(queries, 1.5), "between 0 and 1, found 1.5"),
        (lambda: retriever.blend(queries, -0.1), "between 0 and 1"),
        (lambda: retriever.blend(queries[:, :8]), "8 dimensions, the vectors of the index 16"),
        (lambda: retriever.blend(queries[:, :0]), "0 dimensions"),
        (lambda: retriever.blend(queries[0]), r"\[16\]; expected \[frames, 16\]"),
        (lambda: retriever.blend(queries.astype(int)), "int64"),
        (lambda: retriever.blend(holed), "not finite"),
    ]:
        with pytest.raises(contentvec.Error, match=message):
            call()


@needs_faiss
def test_refuses_files_that_are_no_index_to_use(tmp_path):
    (tmp_path / "text.index").write_text("no index")
    for path, message in [
        (DATA / "trained.index", "trained.index.*holds no vectors"),
        (tmp_path / "text.index", "text.index"),
        (tmp_path / "absent.index", "absent.index"),
    ]:
        with pytest.raises(contentvec.Error, match=message):
            Retriever.open(path)


@needs_faiss
def test_builds_saves_and_opens(vectors, tmp_path):
    built = Retriever.build(vectors, threads=1)
    assert (built.size, built.dim, built.lists) == (400, 16, 10)
    built.save(tmp_path / "voice.index")
    assert np.array_equal(Retriever(tmp_path / "voice.index").blend(vectors, 0.9), built.blend(vectors, 0.9))
    (tmp_path / "features").mkdir()
    np.save(tmp_path / "features/0.npy", vectors[:150])
    np.save(tmp_path / "features/1.npy", vectors[150:])
    Retriever.build_from_folder(tmp_path / "features", threads=2).save(tmp_path / "folder.index")
    assert (tmp_path / "folder.index").read_bytes() == (tmp_path / "voice.index").read_bytes()
    added = built.save_for_rvc(tmp_path, "me")
    assert added == tmp_path / "added_IVF10_Flat_nprobe_1_me.index"
    assert added.read_bytes() == (tmp_path / "voice.index").read_bytes()
    with pytest.raises(contentvec.Error, match="holds no vectors"):
        Retriever(tmp_path / "trained_IVF10_Flat_nprobe_1_me.index")


@needs_faiss
def test_refuses_what_it_cannot_build_from(vectors, tmp_path):
    for call, message in [
        (lambda: Retriever.build(vectors[:38]), "at least 39 .* found 38"),
        (lambda: Retriever.build(vectors[0]), r"\[16\]; expected \[size, dim\]"),
        (lambda: Retriever.build(vectors, threads=-1), "threads"),
        (lambda: Retriever.build_from_folder(tmp_path), "no .npy file"),
        (lambda: Retriever.build(vectors).save(tmp_path / "no/voice.index"), "no/voice.index"),
    ]:
        with pytest.raises(contentvec.Error, match=message):
            call()


@needs_faiss
def test_other_threads_run_meanwhile():
    vectors = np.random.default_rng(2).standard_normal((20000, 64)).astype(np.float32)
    assert turns_during(lambda: Retriever.build(vectors, threads=1)) > 10
    small = Retriever.build(vectors[:400], threads=1)
    assert turns_during(lambda: small.blend(vectors)) > 10


@needs_faiss
def test_faiss_packages_indices_and_ours_are_the_same(vectors, tmp_path):
    faiss = pytest.importorskip("faiss", reason="the package faiss-cpu is not installed")
    theirs = faiss.index_factory(16, "IVF10,Flat")
    theirs.train(vectors)
    theirs.add(vectors)
    faiss.write_index(theirs, str(tmp_path / "added_theirs.index"))
    ours = Retriever(tmp_path / "added_theirs.index")
    frames = vectors[:50] + np.float32(0.1)
    score, ix = theirs.search(frames, 8)
    weight = np.square(1 / score)
    weight /= weight.sum(axis=1, keepdims=True)
    expected = 0.75 * (vectors[ix] * weight[..., None]).sum(axis=1) + 0.25 * frames
    assert np.abs(ours.blend(frames, 0.75) - expected).max() <= _bound(expected)
    Retriever.build(vectors).save(tmp_path / "ours.index")
    back = faiss.read_index(str(tmp_path / "ours.index"))
    assert (back.ntotal, back.nlist, back.nprobe) == (400, 10, 1)
    assert np.array_equal(back.reconstruct_n(0, 400), vectors)
