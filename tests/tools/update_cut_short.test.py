#!/usr/bin/env python3
"""Updates that are killed at any moment, or whose disk is full: what is in force stays whole, and the next one works.
Prints TAP."""
import http.server
import os
import random
import resource
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PROGRAM_S  # noqa: E402
from tap import check, finish  # noqa: E402
from updating import BUILD, Done, Site, USE_CASE, Workplace, environment  # noqa: E402

KILLS = 30
ROWS = 20_000
SEED = 7


class Lists(http.server.BaseHTTPRequestHandler):
    body = b""

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(Lists.body)))
        self.end_headers()
        self.wfile.write(Lists.body)


def serve(turn):
    """Every list has most rows of the one before."""
    Lists.body = "".join(f"row{i}.example\n" for i in range(turn * 10, turn * 10 + ROWS)).encode()


def is_whole():
    """Whether what is in force is a version with all its files, by their digests. None while there is none."""
    if place.in_force() is None:
        return True
    done = Done([f"{BUILD}/blindlist", "dataset", "verify", "--data", place.data])
    return done.code == 0


def test_kills():
    randomly = random.Random(SEED)
    broken = []
    published = finished = 0
    serve(0)
    whole = place.update(path)
    for turn in range(1, KILLS + 1):
        serve(turn)
        before = place.in_force()
        # In pairs on one list: the second finds what the first has left of it.
        for _ in range(2):
            process = subprocess.Popen(place.words(path), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, env=environment())
            time.sleep(randomly.uniform(0, whole.seconds))
            process.send_signal(signal.SIGKILL)
            finished += process.wait(PROGRAM_S) == 0
            if not is_whole():
                broken.append(f"turn {turn}: {place.in_force()} after {before}")
        published += place.in_force() != before
    check(not broken, f"{2 * KILLS} updates killed: {published} had published, {finished} were done; what is in force "
          "was always whole", "\n".join(broken))
    serve(KILLS + 1)
    done = place.update(path)
    check(done.code == 0 and done.json["changed"] and is_whole() and not place.unfinished() and
          len(place.versions()) <= 3, "the next one publishes, and nothing is left of those",
          f"{done}\n{place.versions()} {place.unfinished()}")
    copies = [n for n in os.listdir(f"{place.data}/.sources/{USE_CASE}") if n.endswith(".body")]
    check(len(copies) == 1, "one copy of the list is left", copies)


def test_full_disk():
    """Files can grow to so many bytes only, as when the disk is full."""
    before = place.in_force()
    serve(KILLS + 2)
    for limit in (0, 100, 10_000, 300_000, 500_000, 1_000_000):
        def limited():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        done = subprocess.run(place.words(path), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, preexec_fn=limited, env=environment())
        # The copy of the list is used when the new one finds no room.
        took_copy = "the copy of" in done.stderr and "unchanged" in done.stdout
        check((done.returncode == 1 or took_copy) and "File too large" in done.stderr and
              place.in_force() == before and not place.unfinished() and is_whole(),
              f"no file larger than {limit} bytes: the version before stays",
              f"{done.returncode} {done.stdout}{done.stderr}{place.unfinished()}")
    done = place.update(path)
    check(done.code == 0 and place.in_force() != before and is_whole(), "with room it publishes", done)


place = Workplace("cut-short")
try:
    path = place.lists(Site(Lists).source("/list"))
    test_kills()
    test_full_disk()
finally:
    place.remove()
sys.exit(finish())
