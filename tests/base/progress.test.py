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


for total, pattern in ((800, r"testing progress: +(\d+) %  \d\.\d s"),
                       (0, r"testing progress: (\d+)  \d\.\d s")):
    status, text = shown(total)
    figures = [int(figure) for figure in re.findall(pattern, text)]
    erase = "\r\x1b[K"
    check(status == 0, f"total {total}: the program succeeds")
    check(1 <= len(figures) <= 6, f"total {total}: drawn at most ten times a second: {len(figures)}")
    check(figures == sorted(figures), f"total {total}: figures only grow: {figures}")
    check(all(figure >= 50 for figure in figures), f"total {total}: nothing in the first half second")
    check(text.startswith(erase) and text.endswith(erase), f"total {total}: the line is erased")
    check("\n" not in text, f"total {total}: one line only")
sys.exit(finish())
