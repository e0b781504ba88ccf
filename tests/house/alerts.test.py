#!/usr/bin/env python3
"""Alert rules and dashboard ask for metrics that there are (docs/METRICS.md, which tests/server/metrics.test.py holds to what a server
tells), and each alert has its section in docs/OPERATING.md. Prints TAP."""
import json
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from promtool import MISSING, PROGRAM, promtool  # noqa: E402
from tap import check, finish, skip  # noqa: E402

CASES = "tests/deploy/alert_cases.yml"
CONFIGURATIONS = ("deploy/prometheus/prometheus.yml", "deploy/prometheus/kubernetes.yml")
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


def check_cases(alerts):
    """Each alert has a moment at which it is silent and one at which it fires."""
    cases = re.findall(r"alertname: (\w+)(?:, eval_time: \w+, exp_alerts: (\[\]))?", read(CASES))
    silent, fires = ({name for name, none in cases if bool(none) == wanted} for wanted in (True, False))
    check(silent == fires == set(alerts), f"{CASES} tries each alert", (silent ^ fires, set(alerts) - fires))


def check_by_promtool(dashboard, alert_count):
    if PROGRAM is None:
        skip(MISSING)
        return
    for path in CONFIGURATIONS:
        with tempfile.TemporaryDirectory() as folder:
            os.symlink(os.path.abspath(RULES), f"{folder}/alerts.yml")
            # Debian builds promtool without Kubernetes.
            with open(f"{folder}/prometheus.yml", "w", encoding="utf-8") as out:
                out.write(re.sub(r"kubernetes_sd_configs:\n +- role: pod\n", "static_configs: []\n", read(path)))
            code, said = promtool("check", "config", f"{folder}/prometheus.yml")
        check(code == 0 and f"{alert_count} rules found" in said,
              f"promtool finds nothing wrong with {path} and the rules that it names", said)
    code, said = promtool("test", "rules", CASES)
    check(code == 0, "each fires when it should, and is silent else", said)
    # It takes expressions in rules only.
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        texts = [text.replace("$__rate_interval", "5m").replace("$instance", ".*") for text in expressions_of(dashboard)]
        json.dump({"groups": [{"name": "panels", "rules": [{"record": f"panel:{i}", "expr": text}
                                                           for i, text in enumerate(texts)]}]}, file)
        file.flush()
        code, said = promtool("check", "rules", file.name)
    check(code == 0, "Prometheus understands each question of the dashboard", said)


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
    check_cases(alerts)
    check_by_promtool(dashboard, len(alerts))


if __name__ == "__main__":
    main()
    sys.exit(finish())
