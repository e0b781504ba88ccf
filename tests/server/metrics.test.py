#!/usr/bin/env python3
"""The admin address of a server: health, readiness, and metrics in Prometheus' text format that equal what clients did.
Prints TAP."""
import http.client
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from exposition import parse  # noqa: E402
from patience import PROGRAM_S, wait_until  # noqa: E402
from promtool import MISSING, PROGRAM as PROMTOOL, promtool  # noqa: E402
from served import Server, working_folder  # noqa: E402
from tap import check, finish, skip  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
USE_CASE = "one.example.url.filtering"
ADMIN = ("--admin", "127.0.0.1:0")
work = working_folder("metrics")


def tool(*words):
    return subprocess.run([f"{BUILD}/blindlist", *words], capture_output=True, text=True, timeout=PROGRAM_S)


def compile_rows(use_case, *rows):
    with open(f"{work}/list", "w", encoding="utf-8") as out:
        out.writelines(f"{row}\n" for row in rows)
    made = tool("compile", f"{work}/list", "--use-case", use_case, "--out", f"{work}/data")
    if made.returncode != 0:
        raise RuntimeError(made.stderr)


def ask(port, target, method="GET", body=None, **headers):
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=PROGRAM_S)
    client.request(method, target, body=body, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = client.getresponse()
    got = answer.status, answer.read().decode("utf-8", "replace"), answer.headers
    client.close()
    return got


class Figures:
    """What /metrics says now; parsing fails the test where the format is broken."""

    def __init__(self, server):
        status, text, headers = ask(server.admin_port, "/metrics")
        if status != 200 or headers["Content-Type"] != "text/plain; version=0.0.4; charset=utf-8":
            raise RuntimeError(f"{status} {headers}")
        self.families = parse(text)

    def get(self, name, **labels):
        """The one sample that has exactly these labels; 0 when there is none."""
        family = self.families[re.sub("_(bucket|sum|count)$", "", name) if name not in self.families else name]
        return next((value for sample, has, value in family.samples if sample == name and has == labels), 0)


def test_pages(server):
    port = server.admin_port
    check(ask(port, "/healthz")[:2] == (200, "ok\n"), "/healthz is 200")
    check(wait_until(lambda: ask(port, "/readyz")[:2] == (200, "ready\n")), "/readyz is 200", ask(port, "/readyz"))
    check(ask(port, "/metrics", "HEAD")[:2] == (200, ""), "HEAD is answered")
    check([ask(port, target)[0] for target in ("/config", "/metrics/", "/nothing")] == [404] * 3, "nothing else is there")
    check(ask(port, "/metrics", "POST", b"x")[0] == 404, "nor another method")
    check([ask(server.port, target)[0] for target in ("/metrics", "/readyz", "/metrics?x")] == [404] * 3,
          "devices' address has none of it")


def test_counts(server):
    before = Figures(server)
    for _ in range(3):
        ask(server.port, "/config")
    ask(server.port, "/nothing")
    ask(server.port, "/queries", "POST", b"\xff\xff", User_Identifier="someone", User_Agent="x")
    ask(server.port, "/queries", "POST", b"")
    ask(server.port, "/key", "POST", b"\xff", User_Identifier="someone", User_Agent="x")
    ask(server.port, "/prefilter/unknown.json")
    ask(server.port, "/config", X="x" * 9000)
    ask(server.port, "/report", "POST", b"x" * 3000000)
    after = Figures(server)

    def more(name, **labels):
        return after.get(name, **labels) - before.get(name, **labels)

    def requests(route, status):
        return more("blindlist_requests_total", route=route, status=str(status))

    check(requests("config-public", 200) == 3 and requests("queries", 400) == 2 and requests("key", 400) == 1 and
          requests("prefilter-manifest", 404) == 1 and requests("unknown", 404) == 1 and requests("unknown", 431) == 1 and
          requests("report", 413) == 1, "requests are counted by route and status", after.families["blindlist_requests_total"])
    refusals = {labels["reason"]: value - before.get("blindlist_refusals_total", reason=labels["reason"])
                for _, labels, value in after.families["blindlist_refusals_total"].samples}
    check({reason: value for reason, value in refusals.items() if value} ==
          {"not_found": 2, "malformed": 1, "missing_header": 1, "evaluation_key": 1, "head_too_large": 1, "too_large": 1},
          "refusals by reason", refusals)
    check(more("blindlist_request_seconds_count", route="config-public") == 3 and
          more("blindlist_queue_seconds_count", route="queries") == 1, "times by route")


def test_look_ups(server):
    before = Figures(server)
    checked = tool("check", "--server", f"http://127.0.0.1:{server.port}", "--use-case", USE_CASE, "https://blocked.example/x",
                   "https://other.example/")
    after = Figures(server)
    check("denied" in checked.stdout and "allowed" in checked.stdout, "URLs are checked", checked)
    queries = after.get("blindlist_queries_total", app="") - before.get("blindlist_queries_total", app="")
    computed = after.get("blindlist_compute_seconds_count", route="queries")
    check(queries >= 1 and computed == queries, "each query is counted and timed", (queries, computed))


def test_datasets(server):
    figures = Figures(server)
    with open(f"{work}/data/{USE_CASE}/current/dataset.json", encoding="utf-8") as file:
        dataset = json.load(file)
        made = os.fstat(file.fileno()).st_mtime
    labels = {"app": "", "use_case": USE_CASE}
    check(figures.get("blindlist_dataset_info", version=dataset["version"], **labels) == 1 and
          figures.get("blindlist_dataset_made_timestamp_seconds", **labels) == int(made) and
          figures.get("blindlist_dataset_rows", **labels) == dataset["rows"]["count"] and
          figures.get("blindlist_dataset_versions", **labels) == 1, "the version in force, its age and size", dataset)
    check(figures.get("process_resident_memory_bytes") > 1 << 20 and figures.get("process_cpu_seconds_total") > 0 and
          abs(figures.get("process_start_time_seconds") - os.stat(f"{work}/data").st_mtime) < PROGRAM_S, "the process")
    check(figures.get("blindlist_evaluation_keys") == 0 and figures.get("blindlist_queue_limit", queue="compute") == 256,
          "keys in the state, limits of queues")


def test_state(server):
    """A state file that was taken away takes nothing; put back, it does."""
    port, state = server.admin_port, f"{work}/data/blindlist-server.state"
    os.rename(state, state + ".away")
    check(wait_until(lambda: ask(port, "/readyz")[:2] == (503, "not ready: the state is not writable\n")),
          "a state that cannot be written is not ready, and says so", server.log())
    figures = Figures(server)
    check(figures.get("blindlist_state_writable") == 0 and figures.get("blindlist_store_failures_total", call="probe") >= 1 and
          figures.get("blindlist_incidents_total", kind="state") >= 1, "and is counted")
    os.rename(state + ".away", state)
    check(wait_until(lambda: ask(port, "/readyz")[0] == 200) and Figures(server).get("blindlist_state_writable") == 1 and
          server.wait_log("writable again"), "put back, it is ready again", server.log())


def test_reload(server):
    """What cannot be loaded is counted; what was counted stays."""
    before = Figures(server)
    folder = f"{work}/data/{USE_CASE}"
    good = os.readlink(f"{folder}/current")
    for target, words in (("nothing-there", "reloaded use_cases=1 failed=1"), (good, "reloaded use_cases=1 failed=0")):
        os.symlink(target, f"{folder}/next")
        os.rename(f"{folder}/next", f"{folder}/current")
        check(server.wait_log(words), f"current is {target}", server.log())
    after = Figures(server)
    check(after.get("blindlist_incidents_total", kind="dataset") == before.get("blindlist_incidents_total", kind="dataset") + 1,
          "a version that cannot be loaded is counted")
    check(after.get("blindlist_requests_total", route="config-public", status="200") ==
          before.get("blindlist_requests_total", route="config-public", status="200") > 0, "reloads keep counters")


def test_documented(server):
    with open("docs/METRICS.md", encoding="utf-8") as file:
        documented = set(re.findall(r"^\| `(\w+)` \|", file.read(), re.MULTILINE))
    named = set(Figures(server).families)
    check(named == documented, "docs/METRICS.md has each family, and no other", named ^ documented)


def test_by_promtool(server):
    """Prometheus' own reader, and its opinion of names and help."""
    if PROMTOOL is None:
        skip(MISSING)
        return
    code, said = promtool("check", "metrics", given=ask(server.admin_port, "/metrics")[1])
    check((code, said) == (0, ""), "promtool finds nothing wrong with what is told", said)


def test_drain(server):
    """A request under way keeps the server draining."""
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PROGRAM_S)
    client.putrequest("POST", "/report")
    client.putheader("Content-Length", "10")
    client.endheaders()
    port = server.admin_port
    client.send(b"12345")
    wait_until(lambda: Figures(server).get("blindlist_requests_under_way") == 1)
    server.process.terminate()
    check(wait_until(lambda: ask(port, "/readyz")[:2] == (503, "not ready: draining\n")), "draining is not ready, and says so",
          server.log())
    check(ask(port, "/healthz")[0] == 200, "and healthy")
    client.send(b"12345")
    client.getresponse().read()
    check(server.process.wait(PROGRAM_S) == 0, "ends with 0", server.log())


def test_apps():
    """Names of apps are labels; an app that goes takes its series along, one that stays keeps its counts."""
    def write(*names):
        with open(f"{work}/server.json.new", "w", encoding="utf-8") as out:
            json.dump({"data": "data", "state": "state", "auth": "none", "admin": "127.0.0.1:0",
                       "apps": [{"name": name, "hosts": [f"{name}.example"], "useCases": [f"{name}.filtering"]}
                                for name in names]}, out)
        os.rename(f"{work}/server.json.new", f"{work}/server.json")

    for name in ("one", "two"):
        compile_rows(f"{name}.filtering", "blocked.example")
    write("one", "two")
    server = Server(f"{work}/data", "--config", f"{work}/server.json", auth=None, with_data=False)
    for _ in range(2):
        ask(server.port, "/config", Host="one.example")
    ask(server.port, "/config", Host="two.example")
    ask(server.port, "/config", Host="three.example")
    labels = {"route": "config-public", "class": "2xx"}
    figures = Figures(server)
    check(figures.get("blindlist_app_requests_total", app="one", **labels) == 2 and
          figures.get("blindlist_app_requests_total", app="two", **labels) == 1 and
          figures.get("blindlist_app_requests_total", app="(none)", **{**labels, "class": "4xx"}) == 1,
          "requests are counted by app", figures.families["blindlist_app_requests_total"])
    write("one")
    check(server.wait_log("configuration reloaded"), "an app goes", server.log())
    figures = Figures(server)
    apps = {labels["app"] for family in figures.families.values() for _, labels, _ in family.samples if "app" in labels}
    check(apps == {"one", "(none)"} and figures.get("blindlist_app_requests_total", app="one", **labels) == 2,
          "with it its series, and the other's counts stay", apps)
    server.end()


def main():
    compile_rows(USE_CASE, "blocked.example", "other.test")
    silent = Server(f"{work}/data")
    check("admin address=" not in silent.log(), "there is no admin address unless it is asked for")
    silent.end()
    server = Server(f"{work}/data", *ADMIN)
    test_pages(server)
    test_counts(server)
    test_look_ups(server)
    test_datasets(server)
    test_state(server)
    test_reload(server)
    test_documented(server)
    test_by_promtool(server)
    test_drain(server)
    test_apps()
    taken = subprocess.run([f"{BUILD}/blindlist-server", "--data", f"{work}/data", "--auth", "none", "--admin", "nonsense"],
                           capture_output=True, text=True, timeout=PROGRAM_S)
    check(taken.returncode == 2 and "--admin" in taken.stderr, "an address that is none is wrong usage", taken)


if __name__ == "__main__":
    try:
        main()
    finally:
        Server.end_all()
    sys.exit(finish())
