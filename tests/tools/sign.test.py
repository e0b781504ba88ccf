#!/usr/bin/env python3
"""blindlist sign: keys, signatures as OpenSSL's own command sees them, bad keys and manifests; compile and update with
--sign-key: versions whose manifest is signed. Prints TAP."""
import base64
import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from served import working_folder  # noqa: E402
from tap import check, finish  # noqa: E402
from updating import BUILD, Done  # noqa: E402

work = working_folder("sign")
manifest = f"{work}/list.json"
key = f"{work}/key.pem"


def run(*words):
    return Done([f"{BUILD}/blindlist", *words])


def openssl(*words):
    return subprocess.run(["openssl", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False).returncode


def load():
    with open(manifest, encoding="utf-8") as file:
        return json.load(file)


def store(name, content):
    with open(f"{work}/{name}", "w", encoding="utf-8") as out:
        out.write(content)
    os.chmod(out.name, 0o600)
    return out.name


def make_filter():
    keys = store("keys.txt", "one.example\ntwo.example\n")
    made = run("bloom", "build", keys, "--out", manifest)
    check(made.code == 0 and os.path.exists(manifest), "a filter with its manifest", made)


def keys():
    made = run("sign", "--new-key", key)
    check(made.code == 0 and len(base64.b64decode(made.out)) == 32, "a new key, whose public half is 32 bytes", made)
    check(stat.S_IMODE(os.stat(key).st_mode) == 0o600, "the private one is its owner's alone")
    check(run("sign", "--key", key).out == made.out, "the public half can be had again")
    again = run("sign", "--new-key", key)
    check(again.code == 1 and "is there already" in again.err, "no key is written over", again)
    check(openssl("pkey", "-in", key, "-noout") == 0, "openssl reads the key")
    return made.out.strip()


def signing(public):
    before = load()
    check(run("sign", manifest, "--verify", public).code == 3, "it is not signed yet")
    check(run("sign", manifest, "--key", key).code == 0, "it is signed")
    after = load()
    signature = base64.b64decode(after.pop("signature"))
    check(after == before, "nothing else has changed")
    check(run("sign", manifest, "--verify", public).code == 0, "it is, by this key")
    text = store("text", "".join(f"{line}\n" for line in (
        "blindlist prefilter 1", f"bitCount {after['bitCount']}", f"hashCount {after['hashCount']}",
        f"murmurSeed {after['murmurSeed']}", f"tag {after['tag']}")))
    with open(f"{work}/signature", "wb") as out:
        out.write(signature)
    openssl("pkey", "-in", key, "-pubout", "-out", f"{work}/public.pem")
    check(openssl("pkeyutl", "-verify", "-pubin", "-inkey", f"{work}/public.pem", "-rawin", "-in", text, "-sigfile",
                  f"{work}/signature") == 0, "openssl finds the signature right, over the documented text")
    with open(manifest, "rb") as file:
        first = file.read()
    run("sign", manifest, "--key", key, "--out", f"{work}/again.json")
    with open(f"{work}/again.json", "rb") as file:
        check(file.read() == first, "the same key gives the same bytes, and --out leaves the old file")
    looked_at = run("bloom", "info", manifest)
    check(looked_at.code == 0, "others read it as before", looked_at)


def changed(public):
    whole = load()
    for name, value in (("bitCount", whole["bitCount"] - 1), ("hashCount", whole["hashCount"] + 1), ("murmurSeed", 7),
                        ("tag", "0" * 64), ("parsingSha256", "0" * 64), ("signature", "AAAA")):
        path = store("changed.json", json.dumps(dict(whole, **{name: value})))
        done = run("sign", path, "--verify", public)
        check(done.code == 3 and "another key, or changed" in done.out, f"another {name} is noticed", done)
    other = base64.b64encode(bytes(32)).decode()
    check(run("sign", manifest, "--verify", other).code == 3, "another key is another key")


class Place:
    """A data folder with the versions that compile or update make of one list."""
    use_case = "app.url.filtering"
    of_list = ("--use-case", use_case, "--out")

    def __init__(self, name):
        self.data = f"{work}/{name}"
        self.home = f"{self.data}/{self.use_case}"
        self.list = store("list.txt", "".join(f"host{i}.example\n" for i in range(200)))
        self.lists = store("lists.json", json.dumps({"useCase": self.use_case, "sources": [{"id": "own", "file": self.list}]}))

    def compile(self, *words):
        return run("compile", self.list, *self.of_list, self.data, "--json", *words)

    def update(self, *words):
        return run("update", self.lists, "--data", self.data, "--json", *words)

    def current(self):
        return os.path.basename(os.readlink(f"{self.home}/current"))

    def versions(self):
        return sorted(name for name in os.listdir(self.home) if len(name) == 16)

    def signer_is(self, public, version="current"):
        """Of the manifest that a server hands out, and in what dataset.json says."""
        with open(f"{self.home}/{version}/dataset.json", encoding="utf-8") as file:
            told = json.load(file)["prefilter"].get("publicKey")
        return told == public and run("sign", f"{self.home}/{version}/prefilter.json", "--verify", public).code == 0

    def is_whole(self, version):
        return run("dataset", "verify", version, "--data", self.data)


def compiled(public, other, other_key):
    place = Place("compiled")
    place.compile()
    plain = place.current()
    done = place.compile("--sign-key", key)
    signed = place.current()
    check(done.code == 0 and signed != plain and done.json["prefilterPublicKey"] == public and
          place.signer_is(public), "compile signs: another version than without a signature", done)
    check(done.json["build"]["isFull"] is False and done.err == "", "its shards are those of the version before", done)
    check(not place.signer_is(public, plain), "the version before is as it was")
    check(place.is_whole(signed).code == 0, "verify finds the signed version whole")
    again = place.compile("--sign-key", key)
    check(again.code == 0 and again.json["changed"] is False and place.current() == signed, "the same again is the same", again)
    shown = run("dataset", "show", "--data", place.data)
    check(f"signed by {public}" in shown.out, "show tells who signed", shown)

    done = place.compile()
    check(done.code == 1 and f"signed by {public}" in done.err and "--unsigned" in done.err and place.current() == signed,
          "without a key no version follows a signed one", done)
    done = place.compile("--sign-key", other_key)
    check(done.code == 0 and place.signer_is(other) and f"signed by {other}" in done.err,
          "another key signs the same rows anew, with a warning", done)
    done = run("dataset", "rollback", "--data", place.data)
    check(done.code == 0 and place.current() == signed and place.signer_is(public) and f"signed by {public}" in done.err,
          "a rollback has the signature of its version, and warns", done)
    done = place.compile("--unsigned")
    check(done.code == 0 and place.current() == plain and "is not signed" in done.err, "with --unsigned no longer", done)


def updated(public, other, other_key):
    place = Place("updated")
    done = place.update("--sign-key", key)
    check(done.code == 0 and place.signer_is(public), "update signs, too", done)
    first = place.current()
    check(place.update("--sign-key", key, "--exit-code").code == 4, "unchanged rows and key: unchanged")
    done = place.update()
    check(done.code == 1 and place.current() == first, "without a key it ends", done)
    done = place.update("--sign-key", other_key)
    check(done.code == 0 and done.json["changed"] and place.signer_is(other), "unchanged rows, another key: signed anew", done)
    check(place.versions() == sorted({first, place.current()}), "the version before is there still")


def in_parts(public, other_key):
    place = Place("parts")
    one = Place("whole")
    one.compile("--sign-key", key, "--shards", "2")
    done = place.compile("--sign-key", key, "--shards", "2", "--part", "0/2")
    check(done.code == 0, "one part of two", done)
    for words in ((), ("--sign-key", other_key), ("--unsigned",)):
        done = place.compile("--shards", "2", "--part", "1/2", *words)
        check(done.code == 1 and "plan" in done.err, f"another key is another job: {words}", done)
    done = place.compile("--sign-key", key, "--shards", "2", "--part", "1/2")
    check(done.code == 0 and place.current() == one.current() and place.signer_is(public),
          "the parts become the version of one worker, signed", done)
    with open(key, "rb") as file:
        secret = b"".join(file.read().splitlines()[1:-1])
    kept = [os.path.join(folder, name) for folder, _, names in os.walk(place.data) for name in names]
    check(kept and not any(secret in open(path, "rb").read() for path in kept), "no file of it has the private key")


def refused():
    place = Place("refused")
    place.compile()
    before = place.current()
    openssl("genpkey", "-algorithm", "X25519", "-out", f"{work}/x25519.pem")
    shutil.copy(key, f"{work}/open.pem")
    os.chmod(f"{work}/open.pem", 0o640)
    for path, word in ((f"{work}/none.pem", "No such file"), (f"{work}/x25519.pem", "Ed25519"), (place.list, "no private key"),
                       (f"{work}/open.pem", "mode 0640 lets others at it")):
        for done in (place.compile("--sign-key", path), place.update("--sign-key", path)):
            check(done.code == 1 and path in done.err and word in done.err, f"refused: {os.path.basename(path)}", done)
    check(place.versions() == [before] and place.current() == before, "nothing was made")
    check(place.compile("--sign-key", key, "--unsigned").code == 2, "compile: a key, and none")
    check(place.update("--sign-key", key, "--unsigned").code == 2, "update: a key, and none")


def replaced(public, other_key):
    """A signature of somebody who could write into the folder, and mended all digests."""
    place = Place("replaced")
    place.compile("--sign-key", key)
    version = place.current()
    folder = f"{place.home}/{version}"
    run("sign", f"{folder}/prefilter.json", "--key", other_key)
    with open(f"{folder}/prefilter.json", "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    with open(f"{folder}/dataset.json", encoding="utf-8") as file:
        described = json.load(file)
    described["files"]["prefilter.json"]["sha256"] = digest
    store(f"replaced/{place.use_case}/{version}/dataset.json", json.dumps(described))
    done = place.is_whole(version)
    check(done.code == 3 and "prefilter.json: is not signed as dataset.json says" in done.out, "verify notices", done)
    done = Done([f"{BUILD}/blindlist-server", "--data", place.data, "--listen", "127.0.0.1:0"])
    check(done.code == 1 and "is not signed" in done.err, "and no server takes it", done)
    done = place.compile()
    check(done.code == 1 and f"signed by {public}" in done.err, "nor is it forgotten that a key is due", done)


def bad():
    with open(manifest, "rb") as file:
        before = file.read()
    openssl("genpkey", "-algorithm", "X25519", "-out", f"{work}/x25519.pem")
    openssl("genpkey", "-algorithm", "ed25519", "-aes256", "-pass", "pass:secret", "-out", f"{work}/locked.pem")
    openssl("pkey", "-in", key, "-pubout", "-out", f"{work}/public.pem")
    os.chmod(f"{work}/public.pem", 0o600)
    for path, word in ((f"{work}/none.pem", "No such file"), (store("empty.pem", ""), "no private key"),
                       (store("text.pem", "hello"), "no private key"), (f"{work}/public.pem", "no private key"),
                       (f"{work}/locked.pem", "with a password"), (f"{work}/x25519.pem", "Ed25519"),
                       (store("long.pem", "x" * 5000), "larger than 4096 bytes"), (work, "is a folder")):
        done = run("sign", manifest, "--key", path)
        check(done.code == 1 and path in done.err and word in done.err,
              f"a key that is none: {os.path.basename(path)}", done)
    url_form = store("url.json", json.dumps({"falsePositiveTolerance": 0.1, "murmurSeed": 1, "numberOfBits": 8,
                                             "numberOfHashes": 1, "tag": "t", "url": "u"}))
    for path, word in ((url_form, "no place for a signature"), (store("bad.json", "{"), "line 1"),
                       (f"{work}/none.json", "No such file")):
        done = run("sign", path, "--key", key)
        check(done.code == 1 and word in done.err, f"a manifest that is none: {os.path.basename(path)}", done)
    for public in ("", "AAAA", "A" * 44, "A" * 43 + "=x", "!" * 43 + "="):
        done = run("sign", manifest, "--verify", public)
        check(done.code == 1 and "base64 of 32 bytes" in done.err, f"a public key that is none: {public[:5]}", done)
    for words in ((), (manifest,), (manifest, "--key", key, "--verify", "x"), ("--new-key", f"{work}/n", manifest),
                  ("--verify", "x"), (manifest, manifest, "--key", key), ("--key", key, "--out", "x")):
        check(run("sign", *words).code == 2, f"wrong usage, {len(words)} words")
    check(not os.path.exists(f"{work}/n"), "nothing was made")
    with open(manifest, "rb") as file:
        check(file.read() == before, "the manifest is as it was")


make_filter()
public_key = keys()
signing(public_key)
changed(public_key)
second_key = f"{work}/second.pem"
second = run("sign", "--new-key", second_key).out.strip()
compiled(public_key, second, second_key)
updated(public_key, second, second_key)
in_parts(public_key, second_key)
refused()
replaced(public_key, second_key)
bad()
shutil.rmtree(work)
sys.exit(finish())
