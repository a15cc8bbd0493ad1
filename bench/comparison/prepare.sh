# shellcheck shell=bash
# Sourced by bench/compare, bench/dataset and bench/on-machine in the root of the repository: what they run, and the same
# synthetic weights for every engine, in build/compare unless the caller sets $out and $python after that.
out=$PWD/build/compare
python=$out/venv/bin/python # which makes the graph

# build_and_install TARGETS PACKAGE...: builds the targets ("a b"), and the newest packages into a virtual environment.
build_and_install() {
  local targets=$1
  shift
  mkdir -p "$out"
  scripts/setup --bench >&2
  cmake --preset release -DCONTENTVEC_BUILD_BENCH=ON >&2
  # shellcheck disable=SC2086 # several words
  cmake --build --preset release --target $targets >&2
  [[ -x $out/venv/bin/python ]] || python3 -m venv "$out/venv"
  "$out/venv/bin/pip" install --quiet --disable-pip-version-check --upgrade "$@" >&2
}

# made TARGET COMMAND...: runs the command where the file it makes is not there.
made() {
  local target=$1
  shift
  [[ -e $target ]] || { "$@" >&2 && [[ -e $target ]]; }
}

make_graph() {
  rm -rf "$out/graph"
  "$python" bench/peers/make_onnx_weights.py "$out/graph"
  mv "$out/graph/hubert_base.onnx.data" "$out/"
  mv "$out/graph/hubert_base.onnx" "$out/" # last: where it is, all of it is
  rmdir "$out/graph"
}

# The weights, each file whole or not there; they take a while to make and stay.
make_weights() {
  made "$out/base.safetensors" build/release/contentvec export synthetic:base "$out/base.safetensors"
  made "$out/hubert_base.onnx" make_graph
}
