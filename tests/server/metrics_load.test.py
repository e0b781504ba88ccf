#!/usr/bin/env python3
"""/metrics under load: devices ask all routes at the same time, with and without the gateway, so many requests of each as
they know, and when all are answered every counter and every histogram has grown by just that. Prints TAP."""
import collections
import os
import re
import shutil
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from exposition import parse  # noqa: E402
from oblivious import PATH as GATEWAY_PATH, Gateway  # noqa: E402
from patience import PROGRAM_S, wait_until  # noqa: E402
from paying import AGENT, DIRECTORY, Blinded, Client, Exchange, first_key  # noqa: E402
from served import Server, working_folder  # noqa: E402
from tap import check, finish  # noqa: E402

TOOL = os.path.join(os.environ.get("BUILD", "build"), "blindlist")
USE_CASE = "one.example.url.filtering"
HOST = "pir.example"
DEVICES = 4  # with the gateway, and as many without
ROUNDS = 5
KEY_TIME = 1_700_000_000
# Answered before anything is begun, so that there is no time to observe.
AT_ONCE = {("unknown", 404), ("queries", 401)}


def tool(*words):
    done = subprocess.run([TOOL, *words], capture_output=True, text=True, timeout=PROGRAM_S)
    if done.returncode != 0:
        raise RuntimeError(f"{words}: {done.stderr}")
    return done.stdout.strip()


class Device(threading.Thread):
    """Asks, and counts what it was answered."""

    def __init__(self, name, port, exchange, user_token, is_relayed):
        super().__init__()
        self.name, self.exchange, self.user_token, self.is_relayed = name, exchange, user_token, is_relayed
        self.client = Client(port)
        self.answered = collections.Counter()
        self.sealed = 0
        self.wrong = []

    def plain(self, route, wanted, method, path, body=None, **headers):
        status, answer, _ = self.client.ask(method, path, body, Host=HOST, **headers)
        return self.note(route, wanted, status, answer)

    def ask(self, route, wanted, method, path, body=b"", **headers):
        """Through the gateway where that is this device's way."""
        if not self.is_relayed:
            return self.plain(route, wanted, method, path, body, **headers)
        self.sealed += 1
        fields = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        status, answer, _ = self.gateway.ask(method, path, body, fields)
        return self.note(route, wanted, status, answer)

    def note(self, route, wanted, status, answer):
        self.answered[route, status] += 1
        if status != wanted:
            self.wrong.append((route, wanted, status, answer[:200]))
        return answer

    def pay(self, route, wanted, path, body, token):
        return self.ask(route, wanted, "POST", path, body, Authorization=token, User_Agent=AGENT, User_Identifier=self.name)

    def get_tokens(self, spki, count):
        for _ in range(count):
            blinded = Blinded(spki)
            signed = self.ask("issue", 200, "POST", "/issue", blinded.request, Authorization=f"Bearer {self.user_token}")
            yield blinded.finish(signed)

    def one_round(self, number):
        if self.is_relayed:
            self.gateway = Gateway(self.client, HOST)
            self.answered["gateway-keys", 200] += 1
        else:
            self.plain("gateway-keys", 200, "GET", GATEWAY_PATH)
            self.plain("healthz", 200, "GET", "/healthz")
            self.plain("unknown", 404, "GET", "/nothing")
            manifest = self.plain("prefilter-manifest", 200, "GET", f"/prefilter/{USE_CASE}.json").decode()
            bits = re.search(r"/prefilter/[^\"]*\.bloom", manifest).group()
            self.plain("prefilter-bits", 200, "GET", bits)
        self.ask("config-public", 200, "GET", "/config")
        self.ask("issuer-directory", 200, "GET", DIRECTORY)
        self.ask("token-key", 200, "GET", "/token-key-for-user-token", Authorization=f"Bearer {self.user_token}")
        tokens = list(self.get_tokens(self.spki, 4))
        made_at = KEY_TIME + number
        self.pay("config", 200, "/config", self.exchange.config, tokens[0])
        self.pay("key", 200, "/key", self.exchange.upload(made_at), tokens[1])
        self.pay("queries", 200, "/queries", self.exchange.query(made_at), tokens[2])
        self.pay("report", 200, "/report", b"\x0a\x01x", tokens[3])
        self.pay("config", 401, "/config", self.exchange.config, tokens[0])
        self.ask("queries", 401, "POST", "/queries", b"", User_Agent=AGENT, User_Identifier=self.name)

    def prepare(self):
        """Asks what is none of the load."""
        self.spki = first_key(self.client)

    def run(self):
        try:
            for number in range(ROUNDS):
                self.one_round(number)
        except Exception as error:  # also the test's own
            self.wrong.append(repr(error))
        self.client.close()


class Figures:
    def __init__(self, admin):
        self.families = parse(admin.ask("GET", "/metrics")[1].decode())

    def get(self, name):
        """{labels: value} of the samples of that name, but for those that are 0; labels as sorted pairs."""
        family = self.families[re.sub("_(sum|count)$", "", name) if name not in self.families else name]
        return {tuple(sorted(labels.items())): value for sample, labels, value in family.samples
                if sample == name and value}

    def grown(self, before, name):
        had = before.get(name)
        grown = {labels: value - had.get(labels, 0) for labels, value in self.get(name).items()}
        return {labels: value for labels, value in grown.items() if value}


def by_label(name, counts):
    return {((name, value),): count for value, count in counts.items() if count}


def check_grown(before, after, answered, sealed):
    def is_grown(name, wanted, what):
        grown = after.grown(before, name)
        check(grown == wanted, f"{what}: {name}", f"{grown}\n{wanted}")

    is_grown("blindlist_requests_total", {(("route", route), ("status", str(status))): count
                                          for (route, status), count in answered.items()}, "each answer is counted once")
    classes, times = collections.Counter(), collections.Counter()
    for (route, status), count in answered.items():
        own = "(none)" if route in ("unknown", "healthz", "gateway", "gateway-keys") else ""
        classes[("app", own), ("class", f"{status // 100}xx"), ("route", route)] += count
        times[route] += count if (route, status) not in AT_ONCE else 0
    is_grown("blindlist_app_requests_total", dict(classes), "by app")
    is_grown("blindlist_request_seconds_count", by_label("route", times), "each is timed once")
    queries, issued = answered["queries", 200], answered["issue", 200]
    is_grown("blindlist_compute_seconds_count", by_label("route", {"queries": queries, "issue": issued}), "what was computed")
    waited = after.grown(before, "blindlist_queue_seconds_count")
    check({route: waited.get((("route", route),)) for route in ("queries", "issue", "key", "report")} ==
          {"queries": queries, "issue": issued, "key": answered["key", 200], "report": answered["report", 200]},
          "and what waited for a thread", waited)
    for name, count in (("queries", queries), ("tokens_issued", issued), ("tokens_spent", issued)):
        is_grown(f"blindlist_{name}_total", by_label("app", {"": count}), "of the app")
    is_grown("blindlist_gateway_requests_total", by_label("event", {"handed-on": sealed}), "what the gateway opened")
    is_grown("blindlist_refusals_total", by_label("reason", {
        "not_found": answered["unknown", 404], "token_missing": answered["queries", 401],
        "token_spent": answered["config", 401]}), "what was refused")
    is_grown("blindlist_incidents_total", {}, "nothing else happened")


def main():
    work = working_folder("metrics-load")
    with open(f"{work}/list", "w", encoding="utf-8") as out:
        out.write("blocked.example\n")
    tool("compile", f"{work}/list", "--use-case", USE_CASE, "--out", f"{work}/data")
    open_server = Server(f"{work}/data")
    exchange = Exchange(TOOL, open_server.port, USE_CASE, "https://blocked.example/")
    open_server.end()
    os.mkdir(f"{work}/reports")
    state = f"{work}/data/blindlist-server.state"
    tokens = [tool("token", "create", "--state", state, "--label", f"device-{i}") for i in range(2 * DEVICES)]
    server = Server(f"{work}/data", "--admin", "127.0.0.1:0", "--gateway", "--gateway-targets", HOST, "--reports",
                    f"{work}/reports", auth="token")
    admin = Client(server.admin_port)
    devices = [Device(f"device-{i}", server.port, exchange, token, i >= DEVICES) for i, token in enumerate(tokens)]
    for device in devices:
        device.prepare()
    before = Figures(admin)
    for device in devices:
        device.start()
    for device in devices:
        device.join()
    after = Figures(admin)
    answered = sum((device.answered for device in devices), collections.Counter())
    sealed = sum(device.sealed for device in devices)
    answered["gateway", 200] = sealed
    wrong = [one for device in devices for one in device.wrong]
    check(not wrong, f"{sum(answered.values())} requests of {len(devices)} devices are answered as they should", wrong)
    check_grown(before, after, answered, sealed)
    check(wait_until(lambda: Figures(admin).get("blindlist_connections") == {}), "no connection is left", server.log())
    idle = Figures(admin)
    left = {name: idle.get(name) for name in ("blindlist_requests_under_way", "blindlist_queue_length", "blindlist_bodies_bytes",
                                              "blindlist_query_requests_under_way")}
    check(not any(left.values()), "nor anything under way", left)
    check(server.end() == 0, "ends with 0", server.log())
    shutil.rmtree(work)


if __name__ == "__main__":
    try:
        main()
    finally:
        Server.end_all()
    sys.exit(finish())
