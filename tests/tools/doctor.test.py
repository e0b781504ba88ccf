#!/usr/bin/env python3
"""blindlist doctor: a good deployment passes every check; each of many broken ones is told by its cause, and by
nothing else. Prints TAP."""
import base64
import concurrent.futures
import hashlib
import json
import os
import queue
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PROGRAM_S  # noqa: E402
from protobuf import field, parse  # noqa: E402
from served import Server  # noqa: E402
from tap import check, finish, skip  # noqa: E402
from updating import BUILD, TEST_ROW, Done  # noqa: E402
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from doctor_deployment import BUNDLE_ID, HOST, Answer, Deployment, NameServer  # noqa: E402

DIRECTORY = "/.well-known/private-token-issuer-directory"
TRANSPORT = {"certificate", "http2"}  # what wants nginx
RELAY = {"gateway-url", "gateway-keys", "gateway-http2", "gateway-opens", "gateway-target", "gateway-config",
         "gateway-upload", "gateway-questions", "dns-txt", "profile", "profile-names", "info-plist"}  # and names without ports
NEEDS_NGINX = TRANSPORT | RELAY
WAYS = 2  # deployments that are examined at the same time
ROWS = [f"bad{i}.example/page" for i in range(200)]
NEWER = [f"newer{i}.example/page" for i in range(100)]


def doctor(*words):
    """The exit code, and {check: (result, why)}."""
    done = Done([f"{BUILD}/blindlist", "doctor", "--json", *words], PROGRAM_S)
    found = {one["id"]: (one["result"], one["why"]) for one in json.loads(done.out)["checks"]} if done.out else {}
    return done, found


def failed(found):
    return {name for name, (result, _) in found.items() if result == "fail"}


# ---- faults of the front: functions of the request and of what passes it on ----

def answers(path, status, body=b"", method=None):
    def fault(request, pass_on):
        if request.path == path and method in (None, request.command):
            return Answer(status, {}, body)
        return pass_on()
    return fault


def changes(path, change, method=None):
    """`change` is given the answer."""
    def fault(request, pass_on):
        answer = pass_on()
        if request.path == path and method in (None, request.command) and answer.status == 200:
            change(answer)
        return answer
    return fault


def header(name, value):
    """None takes it away."""
    def change(answer):
        for known in [key for key in answer.headers if key.lower() == name.lower()]:
            del answer.headers[known]
        if value is not None:
            answer.headers[name] = value
    return change


def late_clock(_, pass_on):
    answer = pass_on()
    header("Date", "Sun, 01 Feb 2026 00:00:00 GMT")(answer)
    return answer


def directory(change):
    """A fault of the directory: `change` is given its JSON."""
    def rewrite(answer):
        told = json.loads(answer.body)
        change(told)
        answer.body = json.dumps(told).encode()
    return changes(DIRECTORY, rewrite)


def two_issuers(told, count=[0]):
    count[0] += 1
    told["note"] = str(count[0] % 2)


def null_parameters(told):
    """A key as OpenSSL writes it."""
    for key in told["token-keys"]:
        spki = base64.urlsafe_b64decode(key["token-key"] + "==")
        key["token-key"] = base64.urlsafe_b64encode(spki[:40] + b"\5\0" + spki[40:]).decode()


def not_begun(told):
    for key in told["token-keys"]:
        key["not-before"] = int(time.time()) + 86400


def unsigned(answer):
    told = json.loads(answer.body)
    del told["signature"]
    answer.body = json.dumps(told).encode()


def flipped(answer):
    answer.body = bytes([answer.body[0] ^ 1]) + answer.body[1:]


def without_authorization(request, pass_on):
    """As a proxy that drops the header: a token is never seen."""
    if request.path == "/config" and request.command == "POST":
        del request.headers["Authorization"]
    return pass_on()


def forgetful(request, pass_on, answered=[]):
    """Takes a token again that it took before."""
    answer = pass_on()
    if request.path == "/config" and request.command == "POST" and request.headers.get("Authorization"):
        if answer.status == 200:
            answered.append(answer)
        elif answered:
            return answered[-1]
    return answer


def open_to_all(request, pass_on):
    """As with --auth none: pays by itself for whoever does not."""
    answer = pass_on()
    if request.path == "/config" and request.command == "POST" and answer.status == 401:
        request.command = "GET"
        answer = pass_on()
        request.command = "POST"
    return answer


# ---- the configuration, rewritten ----

def edited(message, path, change):
    """The message with the first field at `path` (numbers) replaced by what `change` makes of it."""
    fields = parse(message)
    first = fields[path[0]][0]
    fields[path[0]][0] = change(first) if len(path) == 1 else edited(first, path[1:], change)
    return b"".join(field(number, value) for number, values in sorted(fields.items()) for value in values)


def config(path, change):
    """A fault of both forms of the configuration, at a path below the first use case's PIRConfig."""
    def fault(request, pass_on):
        answer = pass_on()
        if request.path != "/config" or answer.status != 200:
            return answer
        if 1 in parse(parse(parse(answer.body)[1][0])[2][0]):  # else it says that the last one still holds
            answer.body = edited(answer.body, [1, 2, 1, *path], change)
        return answer
    return fault


# ---- the prefilter, built otherwise ----

def fnv(key, right=True):
    value = 0x811c9dc5
    for byte in key:
        value = ((value ^ byte) * 0x01000193 if right else value * 0x01000193 ^ byte) & 0xffffffff
    return value


def murmur(key, seed):
    def rotate(x, by):
        return (x << by | x >> 32 - by) & 0xffffffff

    def mix(k):
        return rotate(k * 0xcc9e2d51 & 0xffffffff, 15) * 0x1b873593 & 0xffffffff
    h = seed
    for at in range(0, len(key) // 4 * 4, 4):
        h = (rotate(h ^ mix(int.from_bytes(key[at:at + 4], "little")), 13) * 5 + 0xe6546b64) & 0xffffffff
    if len(key) % 4:
        h ^= mix(int.from_bytes(key[len(key) // 4 * 4:], "little"))
    h ^= len(key)
    for by, factor in ((16, 0x85ebca6b), (13, 0xc2b2ae35), (16, 1)):
        h = (h ^ h >> by) * factor & 0xffffffff
    return h


def prefilter(keys, bits_a_key=15, right=True):
    """A fault: another filter is served, built from these keys."""
    seed, hashes, count = 7, 10, len(keys) * bits_a_key
    bits = bytearray((count + 7) // 8)
    for key in keys:
        for i in range(hashes):
            at = (fnv(key.encode(), right) + i * murmur(key.encode(), seed) & 0xffffffff) % count
            bits[at // 8] |= 1 << at % 8
    tag = hashlib.sha256(bits).hexdigest()
    manifest = {"tag": tag, "bitCount": count, "hashCount": hashes, "murmurSeed": seed, "itemCount": len(keys),
                "falsePositiveTolerance": 0.001, "byteCount": len(bits), "url": f"one/{tag}.bloom"}
    bodies = {MANIFEST: json.dumps(manifest).encode(), f"/prefilter/one/{tag}.bloom": bytes(bits)}

    def fault(request, pass_on):
        if request.path not in bodies:
            return pass_on()
        return Answer(200, {"ETag": '"1"', "Cache-Control": "public, max-age=300", "Accept-Ranges": "bytes"},
                      bodies[request.path])
    return fault


def of_bits(change):
    """Of the answer with the bits."""
    def fault(request, pass_on):
        answer = pass_on()
        if request.path.endswith(".bloom"):
            change(answer)
        return answer
    return fault


def gone(answer):
    answer.status, answer.body = 404, b""


# ---- relay and app ----

GATEWAY_KEYS = "/.well-known/ohttp-gateway"
EMPTY_PLIST = '<?xml version="1.0"?><plist version="1.0"><dict/></plist>'


def another_gateway(port):
    """The gateway's name leads to another server."""
    def fault(request, pass_on):
        return pass_on(port) if request.path == GATEWAY_KEYS else pass_on()
    return fault


def small_answers(path, most):
    def fault(request, pass_on):
        answer = pass_on()
        return Answer(502, {}, b"") if request.path == path and len(answer.body) > most else answer
    return fault


def key_config(kem=0x20, key_bytes=32):
    """application/ohttp-keys with one key."""
    config = b"\1" + kem.to_bytes(2, "big") + bytes(range(1, key_bytes + 1)) + b"\0\4\0\1\0\1"
    return len(config).to_bytes(2, "big") + config


def name_server(value):
    server = NameServer(value)
    server.start()
    return server.address


# ---- questions ----

def small_bodies(path, most):
    def fault(request, pass_on):
        return Answer(413, {}, b"") if request.path == path and len(request.body) > most else pass_on()
    return fault


def shard_of(body):
    """Of the first question."""
    return parse(parse(parse(body)[1][0])[2][0]).get(1, [0])[0]


def other_shard(request, pass_on):
    """The server computes with the other of two shards."""
    if request.path == "/queries":
        wanted = 1 - shard_of(request.body)
        fields = parse(parse(request.body)[1][0])
        pir = {**parse(fields[2][0]), 1: [wanted]}
        fields[2] = [b"".join(field(n, v) for n, values in sorted(pir.items()) for v in values)]
        request.body = field(1, b"".join(field(n, v) for n, values in sorted(fields.items()) for v in values))
    return pass_on()


def broken_shard(request, pass_on):
    """The shard that does not have the test row."""
    if request.path == "/queries" and shard_of(request.body) != TEST_SHARD:
        return Answer(500, {}, b"")
    return pass_on()


MANIFEST = f"/prefilter/{BUNDLE_ID}.url.filtering.json"
TEST_SHARD = int.from_bytes(hashlib.sha256(TEST_ROW.encode()).digest()[:8], "little") % 2
UNSIGNED = {"public_key": None}
SHARD_COUNT = [10, 1, 2]
ENTRY_COUNT = [10, 1, 1, 1]


def faults(deployment, other):
    """(check, what is wrong, fault of the front or None, changed options)"""
    away = {"connect": f"127.0.0.1:{deployment.closed_port}"}
    text = open(deployment.profile, encoding="utf-8").read()
    misspelled = deployment.write("misspelled.mobileconfig", text.replace("PIRServerURL", "PIRServerUrl"))
    of_another = deployment.write("another.mobileconfig", text.replace(HOST, "other.example.com"))
    other_info = open(deployment.info_plist, encoding="utf-8").read().replace(HOST, "other.example.com")
    if not deployment.nginx:
        away = {"server": f"http://127.0.0.1:{deployment.closed_port}"}
    return [
        ("server-url", "a path", None, {"server": f"https://{HOST}/pir", "development": None}),
        ("server-url", "a slash at the end", None, {"server": f"https://{HOST}/", "development": None}),
        ("server-url", "a port", None, {"server": f"https://{HOST}:8443", "development": None}),
        ("server-url", "plain HTTP", None, {"server": f"http://{HOST}", "development": None}),
        ("server-url", "an address", None, {"server": "https://192.0.2.1", "development": None}),
        ("issuer-url", "a path", None, {"issuer": "https://issuer.example.com/issue", "development": None}),
        ("bundle-id", "the name of the use case", None, {"bundle_id": f"{BUNDLE_ID}.url.filtering"}),
        ("reach", "nobody listens", None, away),
        ("certificate", "another name", None, {"connect": "wrong"}),
        ("certificate", "not trusted", None, {"cacert": None}),
        ("http2", "switched off", None, {"connect": "old"}),
        ("clock", "months late", late_clock, {}),
        ("directory", "not passed on", answers(DIRECTORY, 404), {}),
        ("directory", "a web page", answers(DIRECTORY, 200, b"<html>"), {}),
        ("directory-same", "two issuers", directory(two_issuers), {}),
        ("token-key", "written with NULL parameters", directory(null_parameters), {}),
        ("token-key-begun", "begins tomorrow", directory(not_begun), {}),
        ("user-token", "a wrong one", None, {"token_file": None, "token": "not-the-one"}),
        ("token-issue", "changed on the way", changes("/issue", flipped), {}),
        ("token-required", "none is wanted", open_to_all, {}),
        ("token-redeem", "Authorization dropped", without_authorization, {}),
        ("token-once", "taken twice", forgetful, {}),
        ("config", "not passed on", answers("/config", 404, method="POST"), {}),
        ("use-case", "of another app", None, {"use_case": "com.example.other.url.filtering"}),
        ("shard-count", "three", config(SHARD_COUNT, lambda _: 3), {}),
        ("parameters", "more rows than the dimensions have", config(ENTRY_COUNT, lambda _: 10 ** 9), {}),
        ("config-public", "not passed on", answers("/config", 404, method="GET"), {}),
        ("config-public", "not cacheable", changes("/config", header("Cache-Control", "no-store"), "GET"), {}),
        ("config-public", "without ETag", changes("/config", header("ETag", None), "GET"), {}),
        ("manifest", "not passed on", answers(MANIFEST, 404), {}),
        ("manifest-cache", "a month", changes(MANIFEST, header("Cache-Control", "public, max-age=2592000")), {}),
        ("manifest-cache", "without ETag", changes(MANIFEST, header("ETag", None)), {}),
        ("signature", "none", changes(MANIFEST, unsigned), {}),
        ("signature", "by another key", None, {"public_key": deployment.other_key}),
        ("signature", "a key that is none", None, {"public_key": "no-key"}),
        ("bits", "gone", of_bits(gone), {}),
        ("bits", "changed", of_bits(flipped), {}),
        ("bits-cache", "never in parts", of_bits(header("Accept-Ranges", None)), {}),
        ("bits-cache", "never kept", of_bits(header("Cache-Control", "no-store")), {}),
        ("prefilter-file", "of another list", None, {"prefilter": deployment.other_filter}),
        ("prefilter-file", "no filter", None, {"prefilter": deployment.rows}),
        ("prefilter-built", "FNV-1", prefilter([*ROWS, TEST_ROW], right=False), UNSIGNED),
        ("prefilter-keys", "an older list", prefilter([*ROWS[:150], TEST_ROW]), UNSIGNED),
        ("prefilter-test-row", "not put in", prefilter(ROWS), UNSIGNED),
        ("prefilter-rate", "a third of the bits", prefilter([*ROWS, TEST_ROW], 5), UNSIGNED),
        ("key-upload", "a limit of 64 KiB", small_bodies("/key", 65536), {}),
        ("key-survives", "forgotten at once", answers("/key", 200), {}),
        ("test-row", "another shard answers", other_shard, {}),
        ("shards", "one is broken", broken_shard, {}),
        ("rows", "a newer prefilter", prefilter([*ROWS, *NEWER, TEST_ROW]),
         {**UNSIGNED, "keys": deployment.write("newer.txt", "".join(f"{row}\n" for row in NEWER))}),
        ("gateway-url", "that of the service", None, {"gateway": f"https://{HOST}"}),
        ("gateway-url", "a path", None, {"gateway": "https://gateway.example.com/ohttp"}),
        ("gateway-keys", "not passed on", answers(GATEWAY_KEYS, 404), {}),
        ("gateway-keys", "another KEM", answers(GATEWAY_KEYS, 200, key_config(0x10, 65)), {}),
        ("gateway-http2", "switched off", None, {"connect": "old gateway"}),
        ("gateway-opens", "only its keys are passed on", answers(GATEWAY_KEYS, 405, method="POST"), {}),
        ("gateway-opens", "the keys of another one", answers(GATEWAY_KEYS, 200, key_config(), method="GET"), {}),
        ("gateway-target", "the service is none", None,
         {"server": "https://new.example.com", "profile": None, "info_plist": None}),
        ("gateway-target", "the issuer is none", None,
         {"issuer": "https://new.example.com", "profile": None, "info_plist": None}),
        ("gateway-config", "another server", another_gateway(other.port), {}),
        ("gateway-upload", "a limit of 64 KiB", small_bodies(GATEWAY_KEYS, 65536), {}),
        ("gateway-questions", "a limit of 3,000 bytes for answers", small_answers(GATEWAY_KEYS, 3000), {}),
        ("dns-txt", "of another app", None, {"dns": name_server("apple-url-filter=com.example.other")}),
        ("dns-txt", "none", None, {"dns": name_server("")}),
        ("profile", "a misspelled key", None, {"profile": misspelled}),
        ("profile-names", "another server", None, {"profile": of_another}),
        ("info-plist", "without the names", None, {"info_plist": deployment.write("Info.plist", EMPTY_PLIST)}),
        ("info-plist", "another server", None, {"info_plist": deployment.write("Info2.plist", other_info)}),
        ("inline-key", "a limit of 64 KiB for questions", small_bodies("/queries", 65536), {}),
    ]


def test_good(deployment):
    done, found = doctor(*deployment.options(prefilter=deployment.filter))
    lacking = {name: why for name, (result, why) in found.items() if result != "pass"}
    wanted = set() if deployment.nginx else NEEDS_NGINX
    check(done.code == 0 and found and set(lacking) == wanted, "a good deployment passes all", f"{done}\n{lacking}")
    done = Done([f"{BUILD}/blindlist", "doctor", *deployment.options()], PROGRAM_S)
    check(done.code == 0 and re.search(r"^\d+ checks: \d+ passed, 0 failed, ", done.out, re.M) and not done.err,
          "and is told so", done)
    done, without = doctor(*deployment.options(token_file=None, bundle_id=None, keys=None))
    check(done.code == 0 and not failed(without) and without["user-token"][0] == "unknown" and
          without["bundle-id"][0] == "unknown" and without["use-case"][0] == "pass",
          "what was not given is unknown, the rest is looked at", without)
    check(without["token-issue"][1] == "not looked at, because user-token is unknown" and
          without["shards"][1] == "not looked at, because key-upload is unknown", "and what hangs on that says so", without)
    return set(found)


def test_symmetric(server):
    """Each shard of a symmetric dataset is asked, through the gateway, too."""
    made = Done([f"{BUILD}/blindlist", "token", "create", "--state", f"{server.data}.state"])
    url = f"http://127.0.0.1:{server.port}"
    done, found = doctor("--development", "--server", url, "--gateway", url, "--token", made.out.strip())
    check(done.code == 0 and found["shards"] == ("pass", "4 of 4 asked") and found["test-row"][0] == "pass" and
          found["gateway-questions"][0] == "pass", "a good deployment with a symmetric dataset", found)


def test_faults(deployment, other, names):
    free = queue.SimpleQueue()  # ways that nobody is sent on
    for way in deployment.ways:
        free.put(way)

    def examine(case):
        _, _, fault, changed = case
        way = free.get()
        way.fault = fault
        try:
            return doctor(*deployment.options(way, **changed))
        finally:
            way.fault = None
            free.put(way)

    cases = faults(deployment, other)
    seen = {name for name, _, _, _ in cases}
    possible = [case for case in cases if deployment.nginx or case[0] not in NEEDS_NGINX]
    for name, what, _, _ in cases:
        if name in NEEDS_NGINX and not deployment.nginx:
            skip(f"{name}, {what}: nginx or openssl is not installed")
    with concurrent.futures.ThreadPoolExecutor(len(deployment.ways)) as pool:
        for (name, what, _, _), (done, found) in zip(possible, pool.map(examine, possible)):
            check(done.code == 3 and failed(found) == {name}, f"{name}: {what}",
                  "\n".join(f"{n}: {r} {w}" for n, (r, w) in found.items() if r == "fail") or done)
    check(seen == names, "there is a broken deployment for each check", seen ^ names)
    check(len(seen) >= 25, "and there are many checks", len(seen))


def test_text(deployment):
    done = Done([f"{BUILD}/blindlist", "doctor", *deployment.options(bundle_id="com.example.other")], PROGRAM_S)
    check(done.code == 3 and re.search(r"^fail     use-case .*com\.example\.other", done.out, re.M) and
          "to do      Compile with --use-case" in done.out, "a failure comes with cause and advice", done)
    check(re.search(r"^unknown  shard-count +not looked at, because use-case fails; likewise parameters,", done.out, re.M),
          "and what hangs on it says so, in one line", done)
    with open(deployment.user_token, encoding="utf-8") as file:
        token = file.read().strip()
    check(token not in done.out + done.err, "the user token is not told", done)


def test_usage():
    for words, wanted in ((["--server"], 2), ([], 2), (["--server", "https://a.example", "x"], 2),
                          (["--error", "4711"], 2), (["--server", "https://a.example",
                           "--token", "a", "--token-file", "b"], 2),
                          (["--server", "https://a.example", "--token-file", "/nowhere"], 1),
                          (["--server", "https://a.example", "--keys", "/nowhere"], 1),
                          (["--server", "https://a.example", "--cacert", "/nowhere"], 1)):
        done = Done([f"{BUILD}/blindlist", "doctor", *words])
        check(done.code == wanted, f"doctor {' '.join(words)}: {wanted}", done)
    names = re.search("none of (.*)", Done([f"{BUILD}/blindlist", "doctor", "--error", "4711"]).err).group(1).split(", ")
    field = {"2", "9", "14", "1100", "1800", "-1009", "bad-url", "errno-13", "stopped", "no-evaluation-key",
             "no-token-key", "missing-configuration", "never-blocks", "exact-hosts", "configurationUnchanged",
             "configurationDisabled", "configurationStale", "configurationCannotBeRemoved", "configurationPermissionDenied",
             "configurationInternalError", "configurationNotLoaded", "internalError", "extensionCancelled", "extensionNotFound",
             "extensionFailedToLoad"}
    told = {name: Done([f"{BUILD}/blindlist", "doctor", "--error", name]) for name in names}
    check(set(names) == field and all(done.code == 0 and done.out.startswith("seen ") for done in told.values()),
          "each error of the field is explained", told)
    also = Done([f"{BUILD}/blindlist", "doctor", "--error", "serversetupincomplete"])
    check(also.out == told["9"].out, "also by its other name", also)
    done = told["9"]
    check("serverSetupIncomplete" in done.out and re.search("^  use-case ", done.out, re.M), "error 9 is explained", done)
    told = Done([f"{BUILD}/blindlist", "doctor", "--error", "9", "--json"])
    check(told.json.get("error") == "9" and any(one["id"] == "use-case" for one in told.json["checks"]), "also as JSON",
          told)
    with open("docs/TROUBLESHOOTING.md", encoding="utf-8") as page:
        shown = Done([f"{BUILD}/blindlist", "doctor", "--markdown"])
        check(shown.code == 0 and shown.out == page.read(), "docs/TROUBLESHOOTING.md is what --markdown prints",
              "blindlist doctor --markdown >docs/TROUBLESHOOTING.md")


def main():
    test_usage()
    deployment = Deployment(ROWS, WAYS)
    try:
        names = test_good(deployment)
        other = deployment.other_server()
        test_symmetric(other)
        test_faults(deployment, other, names)
        test_text(deployment)
    finally:
        deployment.end()
        Server.end_all()


main()
sys.exit(finish())
