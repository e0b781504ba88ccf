#!/usr/bin/env python3
"""A dataset without redundant keys gives the verdicts of one with all keys: on 100,000 random URLs near the keys by
`blindlist explain` (20,000 in builds with a sanitizer), and on some of them as a device sees them. Prints TAP."""
import concurrent.futures
import json
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from served import Server  # noqa: E402
from tap import check, finish  # noqa: E402
from updating import BUILD, Done, USE_CASE, Workplace  # noqa: E402

SEED = 20261121
KEYS = 3000
URLS = 100000 if os.path.basename(BUILD) == "build" else 20000
AT_ONCE = 5000   # arguments of one command
ASKED = 200      # as a device, of each dataset
draw = random.Random(SEED)


def host():
    """Few names, so that many are below each other; suffixes of registries and of hosters among them."""
    if draw.random() < 0.05:
        return draw.choice(("192.0.2.1", "192.0.2.2", "[2001:db8::1]"))
    base = draw.choice(("one.example", "two.example", "three.co.uk", "four.github.io", "five.co.uk", "github.io"))
    labels = [draw.choice(("a", "b", "www", "WWW", "c-d")) for _ in range(draw.choice((0, 0, 1, 1, 2, 3)))]
    return ".".join(labels + [base])


def rest(depth):
    path = "".join("/" + draw.choice(("p", "q", "P%41", "r.html", "", "..")) for _ in range(draw.randrange(depth + 1)))
    if draw.random() < 0.3:
        path += "/"
    if draw.random() < 0.15:
        path += "?" + draw.choice(("x", "x=1", "", "x?y"))
    if draw.random() < 0.1:
        path += "#" + draw.choice(("f", "f/g", ""))
    return path


def port():
    return draw.choice(("", "", "", "", ":80", ":443", ":8080"))


def entry():
    return draw.choice(("", "", "http://", "https://")) + host() + port() + rest(3)


def url():
    return draw.choice(("http://", "https://")) + draw.choice(("", "", "", "me@")) + host() + port() + rest(5)


def explain(urls, data):
    """Which of the URLs are blocked."""
    blocked = []
    for first in range(0, len(urls), AT_ONCE):
        done = Done([f"{BUILD}/blindlist", "explain", *urls[first:first + AT_ONCE], "--dataset", data, "--json"], 300)
        if done.code not in (0, 3):
            return done
        blocked += [answer["blocked"] for answer in json.loads(done.out)["results"]]
    return blocked


def verdicts(urls, data):
    server = Server(data)
    done = Done([f"{BUILD}/blindlist", "check", "--server", f"http://127.0.0.1:{server.port}", "--use-case", USE_CASE,
                 "--json", *urls], 300)
    server.end()
    return [answer["verdict"] == "denied" for answer in json.loads(done.out)["results"]], done


places = {prune: Workplace(f"pruning-{prune}") for prune in (True, False)}
try:
    entries = "".join(entry() + "\n" for _ in range(KEYS))
    allowed = "".join(entry() + "\n" for _ in range(KEYS // 50))
    counts = {}
    for prune, place in places.items():
        place.write("block.txt", entries)
        place.write("allow.txt", allowed)
        done = place.update(place.lists({"id": "block", "file": "block.txt"},
                                        {"id": "allow", "file": "allow.txt", "trust": "allow"},
                                        prune=prune, keepPrivateSuffixes=True))
        check(done.code == 0, f"a dataset with prune {prune}", done)
        counts[prune] = len(place.rows())
    check(0 < counts[True] < counts[False] / 2 and set(places[True].rows()) < set(places[False].rows()),
          "most keys are redundant, and gone", counts)
    urls = [url() for _ in range(URLS)]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        pruned, whole = pool.map(lambda prune: explain(urls, places[prune].data), (True, False))
    check(isinstance(pruned, list) and isinstance(whole, list) and len(pruned) == URLS, "all URLs have a verdict", pruned)
    other = [one for one, a, b in zip(urls, pruned, whole) if a != b]
    check(pruned == whole, f"the same on {URLS} URLs (seed {SEED})", other[:10])
    check(0.1 < sum(pruned) / URLS < 0.9, "of both kinds", sum(pruned))
    some = draw.sample(range(URLS), ASKED)
    for prune, place in places.items():
        seen, done = verdicts([urls[i] for i in some], place.data)
        check(seen == [pruned[i] for i in some], f"as a device sees them, with prune {prune}",
              [(urls[i], a) for i, a in zip(some, seen) if a != pruned[i]][:5] or done)
finally:
    Server.end_all()
    for place in places.values():
        place.remove()
sys.exit(finish())
