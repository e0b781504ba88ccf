#!/usr/bin/env python3
"""Breaks test vectors on purpose: break_vector.py IN.json OUT.json flips one value of the middle case.

Also a module: places() lists all values of a case, flipped() changes one of them.
"""
import copy
import json
import sys


# Inputs of which several give the same result: a case stays true when one of them is changed.
FREE = ("note", "lookups", "buckets_per_table", "entry_size", "bytes_per_plaintext", "batch_size",
        "plaintexts")


def places(value, path=()):
    """Paths of all values that are no list or object, but those that FREE names."""
    if isinstance(value, dict):
        return [p for name, v in value.items() if name not in FREE for p in places(v, path + (name,))]
    if isinstance(value, list):
        return [p for i, v in enumerate(value) for p in places(v, path + (i,))]
    return [path]


def other(value):
    """A value of the same type that is not the same."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value / 2
    if value is None:
        return "00"
    if not value:
        return "31"
    place = len(value) // 2
    new = "1" if value[place] != "1" else "2"
    return value[:place] + new + value[place + 1:]


def flipped(case, path):
    case = copy.deepcopy(case)
    inner = case
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = other(inner[path[-1]])
    return case


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        whole = json.load(file)
    middle = len(whole["cases"]) // 2
    case = whole["cases"][middle]
    whole["cases"][middle] = flipped(case, places(case)[-1])
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        json.dump(whole, file)


if __name__ == "__main__":
    main()
