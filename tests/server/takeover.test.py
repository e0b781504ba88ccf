#!/usr/bin/env python3
"""A deployment of the reference, as it is: blindlist-server --config service-config.json answers the queries of
vectors/pir with the reference's bytes, and follows its file: user tokens, versions, files that change. Prints TAP."""
import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import wait_until  # noqa: E402
from protobuf import field, parse  # noqa: E402
from served import PROGRAM, Server, working_folder  # noqa: E402
from tap import check, finish, skip  # noqa: E402

VECTORS = os.path.abspath(os.environ.get("BLINDLIST_VECTORS", "../shared/vectors"))
# The names under which vectors/http has the service's answers.
NAMES = {"fixed-buckets": "com.example.app.url.filtering", "sharded": "four.shards"}
work = working_folder("takeover")
data = f"{work}/blindlist-data"
file = f"{work}/service-config.json"


def read(*path):
    with open(os.path.join(VECTORS, *path), "rb") as source:
        return source.read()


def write(**changes):
    with open(file + ".new", "w", encoding="utf-8") as out:
        json.dump(dict(config, **changes), out)
    os.replace(file + ".new", file)


class Deployment(Server):
    def __init__(self, *options, auth="none"):
        super().__init__(data, "--config", file, *options, auth=auth, with_data=False)

    def ask(self, method, path, body=None, user="u", **headers):
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        client.request(method, path, body, {"User-Identifier": user, "User-Agent": "x iOS/18.2 x", **headers})
        reply = client.getresponse()
        return reply.status, reply.read()

    def follow(self, done="configuration reloaded"):
        """Tells the server of a change and waits until it says so."""
        before = self.log().count(done)
        self.process.send_signal(signal.SIGHUP)
        check(self.wait_log(done, before + 1), f"says: {done}", self.log())


def config_of(server, name):
    """Configuration id and key identifier of a use case."""
    status, body = server.ask("POST", "/config", field(1, name.encode()))
    reply = parse(body)
    config = parse(parse(reply[1][0])[2][0])
    return config[3][0], hashlib.sha256(parse(reply[2][0])[2][0]).digest()


def answers(server, vector, name):
    """Whether the server answers the queries of a set as the reference did."""
    config_id, key_id = config_of(server, name)
    metadata = field(1, 1) + field(2, key_id)
    key = field(1, metadata) + field(2, read("pir", vector, "evaluation_key.bin"))
    if server.ask("POST", "/key", field(1, key), vector)[0] != 200:
        return False
    for query in json.loads(read("pir", vector, "expected.json")):
        question = field(1, query["shard"]) + field(2, read("pir", vector, query["query"])) + \
            field(3, metadata) + field(4, config_id)
        status, body = server.ask("POST", "/queries", field(1, field(1, name.encode()) + field(2, question)), vector)
        if status != 200 or parse(parse(body)[1][0])[1][0] != read("pir", vector, query["response"]):
            return False
    return True


def test_answers(server, sets):
    for vector in sets:
        check(answers(server, vector, NAMES.get(vector, vector)), f"{vector}: the reference's answers")
    for vector, name in NAMES.items():
        for system in ("18.0", "18.2"):
            _, body = server.ask("POST", "/config", read("http", vector, "config.request.bin"),
                                 **{"User-Agent": f"com.apple.ciphermld/1.0 iOS/{system} x"})
            check(body == read("http", vector, f"config.ios{system}.response.bin"), f"{name}: its /config, {system}")
    check(server.ask("GET", "/prefilter/four.shards.json")[0] == 404, "there is no prefilter")


def unfinished():
    return [f"{at}/{name}" for at, folders, _ in os.walk(data) for name in folders if name.endswith(".tmp")]


def test_killed():
    """A start that is killed when all but the last use case are ready: nothing is in force, and the next start cleans up."""
    last = f"{config['usecases'][-1]['fileStem']}-0.params.txtpb"
    os.rename(last, f"{work}/hidden")
    os.mkfifo(last)  # whoever reads it waits
    with open(f"{work}/killed.log", "wb") as log:
        process = subprocess.Popen([PROGRAM, "--config", file, "--listen", "127.0.0.1:0", "--auth", "none"],
                                   stdin=subprocess.DEVNULL, stderr=log)
    try:
        check(wait_until(lambda: len(unfinished()) == len(sets)), "all are made before the first is in force", unfinished())
    finally:
        process.kill()
        process.wait()
    check(len(unfinished()) == len(sets) and not any(os.path.lexists(f"{data}/{one['name']}/current")
                                                     for one in config["usecases"]), "killed, none is", unfinished())
    os.remove(last)
    os.rename(f"{work}/hidden", last)
    server = Deployment()
    check(not unfinished() and len(in_force()) == len(sets), "the next start has all of them, and removes what was left",
          unfinished())
    return server


def in_force():
    return [os.readlink(f"{data}/{one['name']}/current") for one in config["usecases"]]


def test_again(server):
    """What has not changed is not read again; what has is, and nothing half."""
    check(server.end() == 0, "ends with 0", server.log())
    server = Deployment()
    check("importing" not in server.log(), "nothing is imported twice", server.log())
    versions = in_force()
    for shard in range(4):  # of the first use case: new files, which are good
        os.utime(f"{work}/sharded/shard-{shard}.bin")
    for ending in ("bin", "params.txtpb"):
        shutil.copyfile(f"{work}/sharded/shard-0.{ending}", f"{work}/sharded/shard-1.{ending}")
    os.rename(f"{work}/fixed-buckets/shard-0.bin", f"{work}/hidden")  # of the second
    server.follow("configuration not reloaded")
    check(in_force() == versions and answers(server, "sharded", "four.shards"),
          "one that fails leaves those before it as they were", (versions, in_force()))
    check(not unfinished(), "and leaves nothing behind")
    os.rename(f"{work}/hidden", f"{work}/fixed-buckets/shard-0.bin")
    for ending in ("bin", "params.txtpb"):
        shutil.copyfile(os.path.join(VECTORS, f"pir/sharded/shard-1.{ending}"), f"{work}/sharded/shard-1.{ending}")
    os.remove(f"{work}/sharded/shard-2.bin")
    server.follow("configuration not reloaded")
    check("shard-2.bin: No such file" in server.log(), "what is missing is named", server.log())
    check(answers(server, "sharded", "four.shards"), "and all stays as it was")
    shutil.copy(os.path.join(VECTORS, "pir/sharded/shard-2.bin"), f"{work}/sharded/shard-2.bin")
    server.follow()
    check(answers(server, "sharded", "four.shards"), "and is well again")
    # Three of four shards: no power of two.
    config["usecases"][0]["shardCount"] = 3
    write()
    check(server.wait_log("no power of two"), "a file that was written is read, with a warning", server.log())
    config["usecases"][0]["versionCount"] = 0
    config["usecases"][1]["shardCount"] = 1
    write()
    check(server.wait_log("use_case=four.shards is no longer"), "versionCount 0 removes", server.log())
    server.follow()
    check(server.ask("POST", "/config", field(1, b"four.shards"))[0] == 404, "it is not served")
    name = NAMES["fixed-buckets"].encode()
    shards = parse(parse(parse(server.ask("POST", "/config", field(1, name))[1])[1][0])[2][0])
    check(3 in shards and server.log().count("importing use_case=com.example") == 1, "those behind it are reloaded",
          server.log())
    write(users=[{"tokens": 5}])
    server.follow("configuration not reloaded")
    check("$.users[0].tokens: must be an array" in server.log(), "a fault is named", server.log())
    check(server.ask("POST", "/config", field(1, name))[0] == 200, "and all stays as it was")
    check(server.end() == 0, "ends with 0", server.log())


def test_tokens():
    def may(token):
        return server.ask("GET", "/token-key-for-user-token", Authorization=f"Bearer {token}")[0]

    def all_may():
        return may("AAAA"), may("BBBB"), may("CCCC")
    write(users=[{"tier": "tier1", "tokens": ["AAAA", "BBBB"]}, {"tokens": ["AAAA"]}])
    server = Deployment(auth=None)
    check(all_may() == (200, 200, 401), "the file's user tokens", server.log())
    check(server.ask("POST", "/config")[0] == 401, "tokens are asked for")
    # The answers are waited for, not the log: a file that was written is read by the watch, too.
    write(users=[{"tokens": ["BBBB", "CCCC"]}])
    server.process.send_signal(signal.SIGHUP)
    check(wait_until(lambda: all_may() == (401, 200, 200)), "one is gone, one has come", server.log())
    write(users=[{"tokens": ["AAAA"]}])
    server.process.send_signal(signal.SIGHUP)
    check(wait_until(lambda: all_may() == (200, 401, 401)), "one came back", server.log())
    check(not any(token in server.log() for token in ("AAAA", "BBBB", "CCCC")), "none is logged")
    check(server.end() == 0, "ends with 0", server.log())


def test_double_mod():
    """Shards that are found by more than SHA-256: systems before 18.2 cannot be told so."""
    shutil.copytree(f"{work}/sharded", f"{work}/double")
    for shard in range(4):
        name = f"{work}/double/shard-{shard}.params.txtpb"
        with open(name, encoding="utf-8") as source:
            text = source.read()
        with open(name, "w", encoding="utf-8") as out:
            out.write(re.sub(r"sha256 {\s*}", "double_mod { other_shard_count: 7 }", text))
    write(usecases=[{"name": "double.mod", "fileStem": "double/shard", "shardCount": 4}])
    server = Deployment()
    status, body = server.ask("POST", "/config", field(1, b"double.mod"), **{"User-Agent": "x iOS/18.0 x"})
    check(status == 500 and "SHA256" in json.loads(body)["error"]["message"], "double_mod: 500 for iOS 18.0", (status, body))
    status, body = server.ask("POST", "/config", field(1, b"double.mod"))
    check(status == 200 and field(2, field(1, 7)) in body, "fine for 18.2, with the other count", (status, body))
    check(server.ask("GET", "/config")[0] == 200 and server.end() == 0, "and for everybody", server.log())


def ends(*words, code):
    done = subprocess.run([PROGRAM, "--config", file, *words], capture_output=True, text=True, timeout=120)
    return done.returncode == code, done


def test_check():
    holds, done = ends("--check-config", code=0)
    check(holds and "service-config.json: good" in done.stdout, "--check-config: good", done)
    config["usecases"][1]["shardCount"] = 9
    config["usecases"][2]["fileStem"] = "nowhere/shard"
    write(reportDirectory="none")
    holds, done = ends("--check-config", code=3)
    check(holds and done.stdout.count("\n") == 3 and "shard-2.params.txtpb" in done.stdout and
          "nowhere/shard-0" in done.stdout and "none: No such file" in done.stdout, "each fault is told", done)
    holds, done = ends("--listen", "127.0.0.1:0", code=1)
    check(holds, "a start fails", done)
    config["usecases"][0].update(versionCount=2, symmetricPirArguments={"databaseEncryptionKeyFilePath": "k"})
    write()
    holds, done = ends("--check-config", code=3)
    check(holds and "is not symmetric, and a key is named" in done.stdout, "a key where there is nothing symmetric", done)


if not os.path.isdir(f"{VECTORS}/pir"):
    skip("the reference's vectors are not here")
    sys.exit(finish())
sets = sorted(os.listdir(f"{VECTORS}/pir"), key=lambda name: (name not in ("sharded", "fixed-buckets"), name != "sharded"))
for vector in sets:
    os.mkdir(f"{work}/{vector}")
    for name in os.listdir(f"{VECTORS}/pir/{vector}"):
        if name.startswith("shard-"):
            shutil.copyfile(f"{VECTORS}/pir/{vector}/{name}", f"{work}/{vector}/{name}")
# As the reference reads it: stems are relative to the working folder.
os.chdir(work)
config = {"issuerRequestUri": "/issue", "reportDirectory": None, "users": [{"tier": "tier1", "tokens": ["secret"]}],
          "usecases": [{"name": NAMES.get(vector, vector), "fileStem": f"{vector}/shard",
                        "shardCount": sum(name.endswith(".bin") for name in os.listdir(vector))} for vector in sets]}
write()
try:
    first = test_killed()
    test_answers(first, sets)
    test_again(first)
    test_tokens()
    test_double_mod()
    test_check()
finally:
    Server.end_all()
sys.exit(finish())
