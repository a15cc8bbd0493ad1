"""What was measured, as Markdown."""
from engines import OURS, TITLES

# How many times as fast as the fastest other in the same type this project wants to be with all threads, (bar, stretch),
# by what the processor has; and what share of its peak it wants of 10 s.
BARS = {
    "avx512bf16": {"f32": (1.2, 1.35), "bf16": (1.15, 1.3)},
    "avx2": {"f32": (1.15, 1.3)},
    "amx": {"f32": (1.15, 1.3), "bf16": (1.1, 1.5)},
}
SHARE_BARS = {"avx512bf16": {"f32": (0.88, 0.95), "bf16": (0.75, 0.85)}}
YARDSTICK = "onnxruntime-f32"


def ratios(row, dtype):
    """How many times as fast as ONNX Runtime's float32, and as the fastest peer in `dtype`, ours is."""
    times = row["median_ms"]
    ours = times.get(f"{OURS}-{dtype}")
    peers = {key: ms for key, ms in times.items() if key.endswith("-" + dtype) and not key.startswith(OURS)}
    found = {"onnxruntime": None, "fastest": None, "fastest_peer": None}
    if ours and YARDSTICK in times:
        found["onnxruntime"] = times[YARDSTICK] / ours
    if ours and peers:
        found["fastest_peer"] = min(peers, key=peers.get)
        found["fastest"] = peers[found["fastest_peer"]] / ours
    return found


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def title(key):
    name, dtype = key.rsplit("-", 1)
    return f"{TITLES[name]} {dtype}"


def number(value, form="{:.1f}"):
    return "" if value is None else form.format(value)


def bar(pair):
    return "{:g} / {:g}".format(*pair) if pair else ""


def speed_table(result, dtype):
    """One line per window and thread count: everyone's time, our ratios, and the ratios wanted."""
    keys = [key for key in result["engines"] if key.endswith("-" + dtype) or key == YARDSTICK]
    keys.sort(key=lambda key: (not key.startswith(OURS), key != YARDSTICK))
    head = ["threads", "audio"] + [title(key) for key in keys]
    head += ["vs ONNX Runtime f32", f"vs fastest {dtype} peer (bar / stretch)", ""]
    wanted = bar(BARS.get(result["isa"], {}).get(dtype))
    rows = []
    for row in result["rows"]:
        found = row["ratios"][dtype]
        rows.append(
            [str(row["threads"]), row["label"]]
            + [number(row["median_ms"].get(key), "{:.1f} ms") for key in keys]
            + [number(found["onnxruntime"], "{:.2f}x")]
            + [number(found["fastest"], "{:.2f}x") + (f" ({wanted})" if found["fastest"] and wanted else "")]
            + ["VOID" if row["void"] else ""]
        )
    return table(head, rows)


def memory_table(result):
    head = ["", "version", "load", "memory: loaded", result["memory_points"][0], "per extra 10 s"]
    rows = []
    for key, engine in result["engines"].items():
        m = engine["memory"]
        rows.append(
            [title(key), engine["version"], number(engine["load_ms"], "{:.0f} ms"), number(m["loaded_mb"], "{:.0f} MB")]
            + [number(m["short_mb"], "{:.0f} MB"), number(m["per_10_s_mb"], "{:.1f} MB")]
        )
    return table(head, rows)


def peak_table(result):
    """How much of what the processor can do ours reaches."""
    rows = []
    for row in result["rows"]:
        for key, gflops in row["gflops"].items():
            dtype = key.rsplit("-", 1)[1]
            peak = result["peaks"][f"{row['threads']}-{dtype}"]
            wanted = SHARE_BARS.get(result["isa"], {}).get(dtype) if row["label"] == "10 s" else None
            share = f"{gflops / peak:.0%}" + (" ({:.0%} / {:.0%})".format(*wanted) if wanted else "")
            rows.append([title(key), str(row["threads"]), row["label"], f"{gflops:.0f}", f"{peak:.0f}", share])
    return table(["", "threads", "audio", "GFLOP/s", "peak", "share"], rows)


def markdown(result):
    machine = result["machine"]
    parts = [
        f"{machine['cpu']}, {machine['cpus']} CPUs, {result['isa']}; {result['date']}. Medians of interleaved runs; a ratio "
        "above 1 means that contentvec is faster. Only ratios from one run count.",
    ]
    for dtype in result["dtypes"]:
        parts += [f"**{dtype}**", speed_table(result, dtype)]
    parts += ["**Share of the processor's peak**", peak_table(result)]
    parts += ["**Loading and memory** (all threads; MB are 1e6 bytes)", memory_table(result)]
    for key, engine in result["engines"].items():
        if engine["computes_in"] != key.rsplit("-", 1)[1]:
            parts.append(f"{title(key)} computes in {engine['computes_in']} on this processor.")
    parts.append(
        "Agreement with " + title(result["reference"]) + ": "
        + "; ".join(f"{title(key)} {text}" for key, text in result["agreement"].items()) + "."
    )
    if any(row["void"] for row in result["rows"]):
        parts.append(
            "VOID: something else was running; the processor reached less than it can around this row, or an engine's"
            " median was far above its fastest run."
        )
    return "\n\n".join(parts) + "\n"
