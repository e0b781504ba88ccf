"""Reads Prometheus' text format 0.0.4, strictly: what Prometheus would refuse, or read otherwise than it is meant, raises.
tests/tap.py says how to reach this file."""
import re
from collections import namedtuple

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)\Z')
ESCAPES = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}
Family = namedtuple("Family", "name type help samples")  # samples: [(name, {label: value}, number)]


class Malformed(Exception):
    pass


def require(holds, line):
    if not holds:
        raise Malformed(line)


def parse_labels(text, line):
    labels, at = {}, 0
    while at < len(text):
        match = LABEL.match(text, at)
        require(match and match.group(1) not in labels, line)
        labels[match.group(1)] = re.sub(r'\\["\\n]', lambda m: ESCAPES[m.group()], match.group(2))
        at = match.end()
        require(at == len(text) or (text[at] == "," and at + 1 < len(text)), line)
        at += 1
    return labels


def check_histogram(family):
    """Buckets of each series rise up to +Inf, which is _count; _sum is there."""
    series = {}
    for name, labels, value in family.samples:
        rest = tuple(sorted((k, v) for k, v in labels.items() if k != "le"))
        series.setdefault(rest, {}).setdefault(name[len(family.name):], []).append((labels.get("le"), value))
    for rest, parts in series.items():
        bounds = [float(bound) for bound, _ in parts["_bucket"]]
        counts = [value for _, value in parts["_bucket"]]
        require(bounds == sorted(set(bounds)) and bounds[-1] == float("inf") and counts == sorted(counts) and
                parts["_count"] == [(None, counts[-1])] and len(parts["_sum"]) == 1, f"{family.name} {rest}")


def parse(text):
    """{family: Family}"""
    families, family = {}, None
    require(text.endswith("\n"), "the last line has no end")
    for line in text[:-1].split("\n"):
        words = line.split(" ", 3)
        if words[:2] == ["#", "HELP"]:
            require(NAME.match(words[2]) and words[2] not in families and len(words) == 4, line)
            family = families[words[2]] = Family(words[2], [], words[3], [])
        elif words[:2] == ["#", "TYPE"]:
            require(family and words[2] == family.name and not family.type and not family.samples and
                    words[3] in ("counter", "gauge", "histogram"), line)
            family.type.append(words[3])
        else:
            match = SAMPLE.match(line)
            require(match and family and family.type, line)
            name, labels, value = match.group(1), parse_labels(match.group(2) or "", line), float(match.group(3))
            suffixes = ("_bucket", "_sum", "_count") if family.type == ["histogram"] else ("",)
            require(name in [family.name + suffix for suffix in suffixes], line)
            require(family.type == ["gauge"] or value >= 0, line)
            require(all((name, labels) != sample[:2] for sample in family.samples), line)
            require(family.type != ["counter"] or family.name.endswith("_total"), line)
            family.samples.append((name, labels, value))
    for one in families.values():
        if one.type == ["histogram"]:
            check_histogram(one)
    return families
