"""cuBLAS through PyTorch, for the shapes that measure.ts takes: python3 cublas.py --help

Writes JSON: medians of times by CUDA events, errors against float64, and the rate of a copy on the
device. Exit status 3: there is no PyTorch, or no CUDA device.
"""

import argparse
import json
import statistics
import sys

SAMPLE_MS = 20.0
MODES = ("cuBLAS f32", "cuBLAS TF32", "cuBLAS f16", "cuBLAS f16, C in f32")
COPY_BYTES = 7 * 64 * 2**20  # as many as `combine` moves, half of them read


def main():
    options = parse()
    shapes = [shape_of(text) for text in options.shapes.split(",")]
    if options.dry_run:
        for m, k, n in shapes:
            print(f"would multiply {m}x{k}x{n}: {', '.join(MODES)}")
        print(f"would copy {COPY_BYTES} bytes and write {options.out}")
        return 0
    try:
        import torch
    except ImportError as error:
        print(f"cublas.py needs PyTorch: {error}", file=sys.stderr)
        return 3
    if not torch.cuda.is_available():
        print("cublas.py needs a CUDA device, and PyTorch sees none", file=sys.stderr)
        return 3

    # Sums of halves in float32, as anyk has them.
    torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False
    torch.manual_seed(1)
    samples = 5 if options.quick else 11
    name = torch.cuda.get_device_name()
    copied = copy_rate(torch, samples)
    print(f"{name}: a copy reads and writes {copied:.0f} GB/s", flush=True)
    figures = []
    for shape in shapes:
        for figure in measure(torch, shape, samples):
            print(f"{figure['name']} {shape}: {figure['tflops']:.2f} TFLOP/s", flush=True)
            figures.append(figure)
        # After every shape: should time run out, there is something.
        write(options.out, torch, name, copied, figures)
    return 0


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", default="4096x4096x4096,8192x8192x8192", help="mxkxn,…")
    parser.add_argument("--out", default="reference.json")
    parser.add_argument("--quick", action="store_true", help="fewer samples")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done; needs no GPU")
    return parser.parse_args()


def shape_of(text):
    sides = [int(side) for side in text.split("x")]
    if len(sides) != 3 or min(sides) < 1:
        raise SystemExit(f"--shapes takes mxkxn,…, got {text}")
    return tuple(sides)


def measure(torch, shape, samples):
    """Figures of one shape, operands uniform in [-1, 1)."""
    m, k, n = shape
    a = 2 * torch.rand(m, k, device="cuda") - 1
    b = 2 * torch.rand(k, n, device="cuda") - 1
    for mode in MODES:
        torch.backends.cuda.matmul.allow_tf32 = mode == "cuBLAS TF32"
        half = "f16" in mode
        left, right = (a.half(), b.half()) if half else (a, b)
        try:
            product = multiplier(torch, mode, left, right)
            error = error_of(torch, product(), left, right)
            times = sampled(torch, product, samples)
        except (RuntimeError, TypeError) as reason:
            print(f"{mode} {shape}: {reason}", file=sys.stderr)
            torch.cuda.empty_cache()
            continue
        ms = statistics.median(times)
        yield {
            "name": mode,
            "m": m,
            "k": k,
            "n": n,
            "tflops": 2 * m * k * n / ms / 1e9,
            "medianMs": ms,
            "leastMs": min(times),
            "mostMs": max(times),
            "relativeError": error,
        }
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.cuda.empty_cache()


def multiplier(torch, mode, left, right):
    """Multiplies into a tensor that is made once."""
    if mode == "cuBLAS f16, C in f32":
        # PyTorch 2.8 and later; it makes the product's tensor anew, from memory that it keeps.
        return lambda: torch.mm(left, right, out_dtype=torch.float32)
    out = torch.empty(left.shape[0], right.shape[1], device="cuda", dtype=left.dtype)
    return lambda: torch.mm(left, right, out=out)


def error_of(torch, product, left, right):
    """The Frobenius norm of the error by those of the operands, as they are stored."""
    a, b = left.double(), right.double()
    error = torch.linalg.norm(product.double() - a @ b)
    return (error / torch.linalg.norm(a) / torch.linalg.norm(b)).item()


def sampled(torch, work, samples):
    """ms of one repetition, from samples of some 20 ms each."""
    known = timed(torch, work, 3)
    repetitions = max(1, min(1000, round(SAMPLE_MS / max(known, 1e-3))))
    timed(torch, work, repetitions)  # wakes the clocks up
    return [timed(torch, work, repetitions) for _ in range(samples)]


def timed(torch, work, repetitions):
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    for _ in range(repetitions):
        work()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) / repetitions


def copy_rate(torch, samples):
    """GB/s, bytes read and bytes written counted."""
    source = torch.rand(COPY_BYTES // 4, device="cuda")
    target = torch.empty_like(source)
    ms = statistics.median(sampled(torch, lambda: target.copy_(source), samples))
    return 2 * COPY_BYTES / ms / 1e6


def write(path, torch, name, copied, figures):
    record = {
        "source": f"cuBLAS through PyTorch {torch.__version__}, CUDA {torch.version.cuda}",
        "device": name,
        "copyGbPerSecond": copied,
        "figures": figures,
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(record, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    sys.exit(main())
