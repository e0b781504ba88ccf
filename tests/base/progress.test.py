#!/usr/bin/env python3
"""The progress line on a terminal: drawn, rewritten in place, erased at the end."""
import sys
import os
import pty
import re

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import check, finish  # noqa: E402

PROGRAM = os.path.join(os.environ.get("BUILD", "build"), "tests/base/plain_progress")

def shown(total):
    child, terminal = pty.fork()
    if child == 0:
        os.execv(PROGRAM, [PROGRAM, "draw", str(total)])
    out = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # Linux reports a hung-up terminal as an error
            break
        if not piece:
            break
        out += piece
    os.close(terminal)
    return os.waitpid(child, 0)[1], out.decode()


for total, pattern in ((800, r"testing progress: +(\d+) %  (\d+\.\d) s"),
                       (0, r"testing progress: (\d+)  (\d+\.\d) s")):
    status, text = shown(total)
    lines = re.findall(pattern, text)
    figures = [int(figure) for figure, _ in lines]
    # By the times that the lines themselves tell, rounded to 0.1 s: how long the work takes is the machine's affair.
    times = [float(at) for _, at in lines]
    erase = "\r\x1b[K"
    check(status == 0, f"total {total}: the program succeeds")
    check(figures, f"total {total}: drawn {len(figures)} times")
    check(figures and len(times) <= 10 * (times[-1] - times[0]) + 2,
          f"total {total}: at most ten times a second: {times}")
    check(figures == sorted(figures), f"total {total}: figures only grow: {figures}")
    check(all(at >= 0.5 for at in times), f"total {total}: nothing in the first half second")
    check(text.count(erase) == len(figures) + 1 and text.startswith(erase) and text.endswith(erase),
          f"total {total}: each line is erased")
    check("\n" not in text, f"total {total}: one line only")
sys.exit(finish())
