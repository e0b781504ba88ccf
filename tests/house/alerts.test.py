#!/usr/bin/env python3
"""Alert rules and dashboard ask for metrics that there are (docs/METRICS.md, which tests/server/metrics.test.py holds to what a server
tells), and each alert has its section in docs/OPERATING.md. Prints TAP."""
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PROGRAM_S  # noqa: E402
from tap import check, finish, skip  # noqa: E402

RULES, DASHBOARD = "deploy/prometheus/alerts.yml", "deploy/grafana/blindlist.json"
METRIC = re.compile(r"\b((?:blindlist|process)_[a-z_]+)\b")
LABEL = re.compile(r'\b(reason|kind|call|route)=~?"([^"]+)"')


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def check_expressions(path, expressions, documented, words):
    """Metrics by their families, and values of labels."""
    named = {re.sub("_(bucket|sum|count)$", "", name) for text in expressions for name in METRIC.findall(text)}
    check(named and named <= documented, f"{path} asks for metrics that there are", named - documented)
    values = {value for text in expressions for _, values in LABEL.findall(text) for value in values.split("|")}
    check(values <= words, "and for values of labels that there are", values - words)


def expressions_of(dashboard):
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def main():
    rules, metrics, operating = read(RULES), read("docs/METRICS.md"), read("docs/OPERATING.md")
    documented = set(re.findall(r"^\| `(\w+)` \|", metrics, re.MULTILINE))
    words = set(re.findall(r"`([a-z_]+)`", metrics))
    check_expressions(RULES, [re.sub(r"(?m)^ *summary:.*$|^#.*$", "", rules)], documented, words)
    dashboard = json.loads(read(DASHBOARD))
    check_expressions(DASHBOARD, expressions_of(dashboard), documented, words)
    panels = [panel["id"] for panel in dashboard["panels"]]
    check(len(panels) == len(set(panels)) > 20, "its panels have numbers of their own")
    alerts = re.findall(r"^ +- alert: (\w+)$", rules, re.MULTILINE)
    sections = re.findall(r"^### (Blindlist\w+)$", operating, re.MULTILINE)
    check(alerts and sorted(alerts) == sorted(sections), "each alert has a section in docs/OPERATING.md, each section an alert",
          set(alerts) ^ set(sections))
    check(all(rules.count(f"{word}: ") >= len(alerts) for word in ("expr", "severity", "summary")), "and says how grave it is")
    if shutil.which("promtool") is None:
        skip("no promtool (Debian: prometheus)")
    else:
        done = subprocess.run(["promtool", "check", "rules", RULES], capture_output=True, text=True, timeout=PROGRAM_S)
        check(done.returncode == 0, "promtool finds nothing wrong", done.stdout + done.stderr)


if __name__ == "__main__":
    main()
    sys.exit(finish())
