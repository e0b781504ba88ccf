#!/usr/bin/env python3
"""scripts/check-ratios: what a fallen, a missing and an unknown ratio do; no timing here."""
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import check, finish  # noqa: E402


def run(lines, *words):
    done = subprocess.run([sys.executable, "scripts/check-ratios", *words], input=lines, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    return done.returncode, done.stdout


def line(figure, kernel, times):
    return f"ratio figure={figure} kernel={kernel} times={times}\n"


with tempfile.NamedTemporaryFile("w+", suffix=".json") as file:
    both = line("a", "avx2", 4.0) + line("b", "avx2", 2.0) + line("a", "ref", 1.0)
    code, text = run(both, "--write", file.name)
    stored = json.load(open(file.name, encoding="utf-8"))
    check(code == 0 and stored == {"avx2": {"a": 4.0, "b": 2.0}}, "ratios are stored", text)
    for lines, expected, what in (
            (both, 0, "the same ratios"),
            (line("a", "avx2", 3.0) + line("b", "avx2", 9.0), 0, "a quarter less, and more"),
            (line("a", "avx2", 2.99) + line("b", "avx2", 2.0), 1, "more than a quarter less"),
            (line("a", "avx2", 4.0), 1, "a figure that was not measured"),
            (both + line("c", "avx2", 1.0), 1, "a figure that is not stored"),
            (both + line("a", "neon", 1.0), 1, "a kernel that is not stored"),
            (line("a", "ref", 1.0), 0, "a machine with portable kernels only")):
        code, text = run(lines, file.name)
        check(code == expected, f"{what}: exit status {expected}", text)
sys.exit(finish())
