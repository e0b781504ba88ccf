#!/usr/bin/env python3
"""Twenty updates under a running server that devices keep asking: no error, no wrong verdict, old versions collected.
Prints TAP.

A host is blocked by each update and another one is taken out; what a device may be told about them depends on when it
asked. Devices: one that starts anew for each question, one that keeps its key, and one that goes on from before the
first update to after the last, with the configuration and the prefilter of its start. Half-way the dataset outgrows
its shape: who has the old configuration is answered from the last version that fits it from then on."""
import json
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PATIENCE_S, wait_until  # noqa: E402
from served import Server  # noqa: E402
from tap import check, finish  # noqa: E402
from updating import BUILD, Done, USE_CASE, Workplace, environment  # noqa: E402

UPDATES = 20
GROWS_AT = 10   # a hundred rows become a thousand
BURST_AT = 15   # from here on nobody waits for the server
KEPT = 2
RECENT = 8      # replaced a short time ago: CATALOG_SHADOWED_MAX
ALLOWED, DENIED = "allowed", "denied"


class Host:
    """Blocked by one update or taken out by it: when that began, and when it was in force for all."""

    def __init__(self, name, before, after):
        self.name, self.before, self.after = name, before, after
        self.began = self.live = float("inf")

    def is_right(self, verdict, asked, answered):
        if answered < self.began:
            return verdict == self.before
        return verdict == self.after or (asked < self.live and verdict == self.before)


class Fixed(Host):
    def __init__(self, name, verdict):
        super().__init__(name, verdict, verdict)


comes = [Host(f"comes{i}.example", ALLOWED, DENIED) for i in range(UPDATES)]
goes = [Host(f"goes{i}.example", DENIED, ALLOWED) for i in range(UPDATES)]
always = Fixed("always.example", DENIED)
never = Fixed("never.example", ALLOWED)


def list_after(count):
    rows = 1000 if count > GROWS_AT else 100
    names = [always.name] + [h.name for h in comes[:count]] + [h.name for h in goes[count:]]
    return "".join(f"{name}\n" for name in names + [f"row{i}.example" for i in range(rows)])


class Devices:
    """Ask until end(); `wrong` has what should not have been."""

    def __init__(self, port):
        self.words = [f"{BUILD}/blindlist", "check", "--server", f"http://127.0.0.1:{port}", "--use-case", USE_CASE]
        self.turn = 0         # of the update at work
        self.asked = 0
        self.wrong = []
        self.is_ended = False
        self.patient = subprocess.Popen([*self.words, "--urls", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, bufsize=1, env=environment())
        self.asked_on = 0
        self.threads = [threading.Thread(target=self.ask_anew, args=([],)),
                        threading.Thread(target=self.ask_anew, args=(["--keys", f"{place.folder}/keys.json"],)),
                        threading.Thread(target=self.ask_on)]
        for thread in self.threads:
            thread.start()

    def ask_anew(self, options):
        while not self.is_ended:
            i = max(self.turn - 1, 0)
            hosts = [always, never] + comes[i:i + 2] + goes[i:i + 2]
            asked = time.monotonic()
            done = Done([*self.words, "--json", *options, *(f"https://{h.name}/x" for h in hosts)])
            answered = time.monotonic()
            try:
                verdicts = [r.get("verdict") for r in json.loads(done.out)["results"]]
            except (ValueError, LookupError):
                verdicts = []
            self.asked += 1
            if len(verdicts) != len(hosts) or done.err or not all(
                    h.is_right(v, asked, answered) for h, v in zip(hosts, verdicts)):
                self.wrong.append(f"{done}\n{verdicts} of {[h.name for h in hosts]} at {asked}..{answered}, "
                                  f"{[(h.began, h.live) for h in hosts]}")

    def ask_on(self):
        """One question after the other. What comes is not in its prefilter, and what goes when the shape is another
        stays in the version of its configuration."""
        while not self.is_ended:
            turn = self.turn
            gone = goes[max(turn - 1, 0)]
            host = [always, never, Fixed(gone.name, DENIED) if turn > GROWS_AT else gone][self.asked_on % 3]
            asked = time.monotonic()
            try:
                self.patient.stdin.write(f"https://{host.name}/x\n")
                verdict = self.patient.stdout.readline().split(" ")[0]
            except BrokenPipeError:
                verdict = ""
            self.asked_on += 1
            if not host.is_right(verdict, asked, time.monotonic()):
                self.wrong.append(f"{host.name} asked at {asked}: {verdict or 'none'}, live at {host.live}")
            if not verdict:
                return
            time.sleep(0.02)

    def end(self):
        self.is_ended = True
        for thread in self.threads:
            thread.join()
        _, err = self.patient.communicate(timeout=PATIENCE_S)
        if err:
            self.wrong.append(err)


def update(count):
    place.write("own.txt", list_after(count))
    return place.update(place.lists({"id": "own", "file": "own.txt"}, keepVersions=KEPT, rowsPerShard=256,
                                    guard={"maxGrowth": 20}))


def wait_live(server):
    if not server.wait_version(place.in_force()):
        failures.append(f"version {place.in_force()} is not taken up: {server.log()}")


def wait_asked(devices, anew, on):
    """Until the devices have asked so often: an update takes less time than a look-up."""
    wait_until(lambda: devices.asked >= anew and devices.asked_on >= on)


def run_updates(server, devices):
    for i in range(UPDATES):
        devices.turn = i
        asked, asked_on = devices.asked, devices.asked_on
        comes[i].began = goes[i].began = time.monotonic()
        done = update(i + 1)
        if done.code != 0 or not done.json.get("changed"):
            failures.append(f"update {i}: {done}")
        if i < BURST_AT:
            wait_live(server)
            comes[i].live = goes[i].live = time.monotonic()
            wait_asked(devices, asked + 2, asked_on + 2)
    wait_live(server)
    for host in comes[BURST_AT:] + goes[BURST_AT:]:
        host.live = time.monotonic()
    devices.turn = UPDATES - 1
    wait_asked(devices, devices.asked + 2, devices.asked_on + 2)


failures = []
place = Workplace("load")
try:
    first = update(0)
    check(first.code == 0, "a first version", first)
    server = Server(place.data, "--debug")
    devices = Devices(server.port)
    started = time.monotonic()
    run_updates(server, devices)
    devices.end()
    seconds = time.monotonic() - started
    check(not failures, f"{UPDATES} updates", "\n".join(failures))
    check(not devices.wrong, "no error and no wrong verdict meanwhile", "\n".join(devices.wrong[:3]))
    check(devices.asked >= UPDATES and devices.asked_on >= UPDATES,
          f"devices were asking: {devices.asked} times anew, {devices.asked_on} times on, {seconds:.1f} s")
    log = server.log()
    check("beside the one before" in log, "two configurations were served side by side", log)
    check(not [line for line in log.splitlines() if " not loaded" in line or "level=error" in line.lower() or
               " status=5" in line], "the server had no failure", log)
    place.write("own.txt", list_after(UPDATES) + "calm.example\n")
    done = place.update(f"{place.folder}/lists.json")
    # Held by the server: what was just replaced, what the other configuration belongs to, and what caches may have.
    versions = place.versions()
    check(done.code == 0 and KEPT <= len(versions) <= KEPT + 2 + RECENT,
          f"old versions are collected: {len(versions)} of {UPDATES + 2} are left", f"{done}\n{versions}")
    check(server.end() == 0, "the server ends")
    place.write("own.txt", list_after(UPDATES) + "last.example\n")
    done = place.update(f"{place.folder}/lists.json")
    check(done.code == 0 and len(place.versions()) == KEPT and place.in_force() in place.versions() and
          not place.unfinished(), "what it held goes with the next update", f"{done}\n{place.versions()}")
finally:
    Server.end_all()
    place.remove()
sys.exit(finish())
