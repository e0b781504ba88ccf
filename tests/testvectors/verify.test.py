"""testvectors/verify.py: notices every value that was changed, and files that are none."""
import json
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
VECTORS = os.path.join(HERE, "..", "..", "testvectors")
sys.path[:0] = [HERE, VECTORS, os.path.join(HERE, "..")]
sys.dont_write_bytecode = True

from break_vector import flipped, places  # noqa: E402
from tap import check, finish  # noqa: E402
import verify  # noqa: E402


def outcome(folder, name, content):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(content if isinstance(content, str) else json.dumps(content))
    try:
        verify.verify_file(folder, name)
    except verify.Malformed:
        return "malformed"
    except verify.Differs:
        return "differs"
    return "agrees"


def first_of_each(paths):
    """One path for each member, list items taken together, so that the test stays short."""
    seen = {}
    for path in paths:
        seen.setdefault(tuple(step if isinstance(step, str) else "" for step in path), path)
    return list(seen.values())


def check_flips(folder, name, whole):
    """Each member of the first case of each kind, changed alone."""
    by_kind = {}
    for case in whole["cases"]:
        by_kind.setdefault(case.get("what"), case)
    missed = []
    tried = 0
    for case in by_kind.values():
        paths = first_of_each(places(case))
        if name == "exchange.json":
            # One replay takes seconds; the C test flips all of it.
            wanted = (("tables", "", ""), ("queries", "", "response"))
            paths = [p for p in paths
                     if tuple(s if isinstance(s, str) else "" for s in p) in wanted]
        for path in paths:
            tried += 1
            broken = dict(whole, cases=[flipped(case, path)])
            if outcome(folder, name, broken) == "agrees":
                missed.append(path)
    check(tried > 0 and not missed, f"{name}: {tried} changed members are noticed {missed or ''}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        for name in verify.FILES:
            with open(os.path.join(VECTORS, name), encoding="utf-8") as file:
                text = file.read()
            whole = json.loads(text)
            check_flips(folder, name, whole)
            check(outcome(folder, name, text[:len(text) // 2]) == "malformed",
                  f"{name}: cut in half")
            if name == "exchange.json":
                continue
            lacking = [dict(c) for c in whole["cases"]]
            lacking[0].popitem()
            check(outcome(folder, name, dict(whole, cases=lacking)) == "malformed",
                  f"{name}: a member is missing")
        name = "hashes.json"
        with open(os.path.join(VECTORS, name), encoding="utf-8") as file:
            whole = json.load(file)
        for label, content in (
                ("empty", ""), ("no object", "[]"), ("another kind", dict(whole, kind="x")),
                ("a later format", dict(whole, format=2)), ("no cases", dict(whole, cases=[])),
                ("a foreign member", dict(whole, more=1)),
                ("a case that is no object", dict(whole, cases=[1])),
                ("a name twice", '{"kind": "blindlist hashes", "format": 1, "format": 1}'),
                ("deep nesting", "[" * 100000)):
            check(outcome(folder, name, content) == "malformed", label)
    return finish()


sys.exit(main())
