#!/usr/bin/env python3
"""The whole chain on real sockets: urlhaus-filter and 200,000 made-up URLs are compiled, served by
blindlist-server and asked about by `blindlist check`. Prints TAP; standard library only.

What must be denied and by which key is derived here, by the few rules that the made-up entries need;
nothing of it is taken from the project. Environment: BUILD; CHAIN_SAMPLE, how many listed and how
many other URLs are asked about (1000; 100 and a shorter list for builds with a sanitizer)."""
import glob
import json
import os
import random
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from local import free_port  # noqa: E402
from patience import PATIENCE_S, PROGRAM_S  # noqa: E402
from served import Server, working_folder  # noqa: E402
from tap import check, finish, skip  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
TOOL = f"{BUILD}/blindlist"
IS_SLOW = os.path.basename(BUILD) != "build"
SAMPLE = int(os.environ.get("CHAIN_SAMPLE", "100" if IS_SLOW else "1000"))
LIST = ("/usr/share/mozilla/extensions/*/uBlock0@raymondhill.net/assets/thirdparties/"
        "urlhaus-filter/urlhaus-filter-online.txt")
ENTRIES = 20000 if IS_SLOW else 200000
ONE, TWO = "one.example.url.filtering", "two.example.url.filtering"
OLD_PLATFORM = "com.apple.ciphermld/1.0 iOS/17.4.1 x"
TEST_ROW = "www.apple.com/url-filter-test"

# ---- entries, their keys, and URLs below and beside them ----

class Entry:
    """One line of the list, the key it stands for, a URL that it denies, one that it does not."""

    def __init__(self, line, key, below, beside):
        self.line, self.key, self.below, self.beside = line, key, below, beside


def made_up(index, kind, r):
    tld = r.choice(("com", "net", "org", "de", "co.uk", "info", "xyz", "com.br"))
    host = f"{r.choice(('shop', 'cdn', 'login', 'x-y', 'a'))}{index}.{r.choice(('bad', 'w0rm'))}{index}.{tld}"
    path = "/" + "/".join(r.choice(("wp", "Files", "a.b", "%7Euser", "x_1")) for _ in range(r.randint(1, 3)))
    leaf = f"{path}/{r.choice(('setup.exe', 'index.php', 'f'))}"
    more = r.choice(("", "/", "/deep/er", "/deep?q=1#part", "?q=1"))
    low = path.lower()
    if kind == "host":
        return Entry(host, host, f"https://{r.choice(('', 'www.', 'sub.', 'a.b.'))}{host}{leaf}{more}",
                     f"https://{host.split('.', 1)[1]}{leaf}{more}")
    if kind == "www":
        return Entry(f"www.{host}", host, f"https://{r.choice(('', 'www.'))}{host}{more}",
                     f"https://x{host}{more}")
    if kind == "path":
        return Entry(f"{host}{path}", host + low, f"https://{host.upper()}{path}{more}",
                     f"https://{host}{path}x{more}")
    if kind == "url":
        return Entry(f"http://{host}{leaf}", host + leaf.lower(), f"https://www.{host}{leaf}?a=b",
                     f"https://www.{host}/other{leaf}?a=b")
    if kind == "address":
        address = f"{45 + index // 16777216}.{index >> 16 & 255}.{index >> 8 & 255}.{index & 255}"
        if index // len(KINDS) % 2:
            return Entry(f"http://{address}{path}", address + low, f"http://{address}{path}{more}",
                         f"http://{address}{path}.x{more}")
        return Entry(address, address, f"https://{address}{leaf}{more}",
                     f"https://46.{address.split('.', 1)[1]}{leaf}{more}")
    if kind == "idn":
        word = r.choice(("b\u00fccher", "\u043f\u043e\u0447\u0442\u0430", "\u4f8b\u5b50", "ma\u00f1ana"))
        unicode, ascii_form = f"{word}{index}.{tld}", f"{word}{index}".encode("idna").decode() + f".{tld}"
        return Entry(unicode, ascii_form, f"https://sub.{r.choice((unicode, ascii_form))}{leaf}",
                     f"https://sub.{word}{index}x.{tld}{leaf}")
    if kind == "port":
        port = r.randint(1024, 65535)
        return Entry(f"{host}:{port}{path}", f"{host}:{port}{low}", f"https://{host}:{port}{path}{more}",
                     f"https://{host}:{port ^ 1}{path}{more}")
    query = f"?id={index}&Ref=A"
    return Entry(f"https://{host}{leaf}{query}", host + leaf.lower() + query.lower(),
                 f"https://{host}{leaf}{query}#top", f"https://{host}{leaf}{query}0#top")


KINDS = ("host", "host", "www", "path", "path", "url", "address", "idn", "port", "query")


def make_entries(first, count, seed):
    r = random.Random(seed)
    return [made_up(i, KINDS[i % len(KINDS)], r) for i in range(first, first + count)]


def real_entries(path):
    """The lines of urlhaus-filter that are simple enough to be sure what they mean."""
    out = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            match = re.fullmatch(r"(?:\|\|)?([a-z0-9.-]+\.[a-z0-9]+)(/[a-z0-9._/-]*[a-z0-9._-])?(?:\^\$all|\^)?",
                                 line.strip())
            if match and not match.group(1).startswith("www."):
                key = match.group(1) + (match.group(2) or "")
                below = f"https://{key}" + ("" if match.group(2) else "/any/where?x=1")
                beside = f"https://{match.group(1)}.other.example{match.group(2) or '/'}"
                out.append(Entry(line.strip(), key, below, beside))
    return out


# ---- the programs ----

def compile_list(folder, path, use_case, *options):
    done = subprocess.run([TOOL, "compile", *path, "--use-case", use_case, "--out", f"{folder}/data",
                           "--json", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=PROGRAM_S)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def serve(folder, port):
    """No cache keeps anything: an update replaces what was there at once."""
    with open(f"{folder}/server.json", "w", encoding="utf-8") as file:
        json.dump({"apps": [{"name": "a", "maxAge": 0, "grace": 0, "auth": "none"}]}, file)
    return Server(f"{folder}/data", "--config", f"{folder}/server.json", "--state", f"{folder}/state",
                  listen=f"127.0.0.1:{port}", auth=None)


def in_force(folder, use_case):
    return os.readlink(f"{folder}/data/{use_case}/current")


def ask(server, use_case, urls, *options):
    """(exit code, {url: result}, standard error)"""
    done = subprocess.run([TOOL, "check", "--server", f"http://127.0.0.1:{server.port}", "--use-case",
                           use_case, "--json", "--urls", "-", *options], input="".join(f"{u}\n" for u in urls),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=3600)
    results = json.loads(done.stdout)["results"] if done.stdout else []
    return done.returncode, {r["url"]: r for r in results}, done.stderr


def all_denied(server, use_case, entries, what, *options):
    started = time.monotonic()
    code, results, errors = ask(server, use_case, [e.below for e in entries], *options)
    wrong = [f"{e.line}: {e.below}: {results.get(e.below)}" for e in entries
             if results.get(e.below, {}).get("verdict") != "denied" or results[e.below]["key"] != e.key]
    seconds = time.monotonic() - started
    check(code == 3 and not wrong, f"{what}: {len(entries)} listed URLs are denied, each by its key",
          errors[-500:] + "\n" + "\n".join(wrong))
    print(f"# {len(entries)} listed in {seconds:.1f} s; least noise budget "
          f"{min((r.get('noiseBudgetBits', 99) for r in results.values()), default=0):.1f} bits")


def all_allowed(server, use_case, entries, what, *options):
    started = time.monotonic()
    code, results, errors = ask(server, use_case, [e.beside for e in entries], *options)
    wrong = [f"{e.line}: {e.beside}: {results.get(e.beside)}" for e in entries
             if results.get(e.beside, {}).get("verdict") != "allowed"]
    check(code == 0 and not wrong, f"{what}: {len(entries)} URLs beside listed ones are allowed",
          errors[-500:] + "\n" + "\n".join(wrong))
    print(f"# {len(entries)} others in {time.monotonic() - started:.1f} s; "
          f"{sum(r['prefilterHits'] for r in results.values())} queries")


class Device:
    """One run of `blindlist check` that is asked URL by URL, so that the server can change meanwhile."""

    def __init__(self, server, use_case, *options):
        self.process = subprocess.Popen(
            [TOOL, "check", "--server", f"http://127.0.0.1:{server.port}", "--use-case", use_case,
             "--urls", "-", "--trace", *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, bufsize=1)

    def ask(self, url):
        """(verdict, the trace since the question before)"""
        too_late = threading.Timer(PROGRAM_S, self.process.kill)
        too_late.start()
        trace = []
        try:
            self.process.stdin.write(url + "\n")
            self.process.stdin.flush()
            for line in self.process.stdout:
                trace.append(line)
                if line.startswith(("denied ", "allowed ")):
                    return line.split()[0], "".join(trace)
            return "failed", "".join(trace) + self.process.stderr.read()
        except BrokenPipeError:
            return "ended", self.process.stderr.read()
        finally:
            too_late.cancel()

    def end(self):
        self.process.stdin.close()
        code = self.process.wait(PATIENCE_S)
        self.process.stdout.close()
        self.process.stderr.close()
        return code


# ---- the story ----

def write_list(path, entries):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"{e.line}\n" for e in entries)


def test_compile(folder, real_path, entries):
    write_list(f"{folder}/mixed.txt", entries)
    lists = [real_path, f"{folder}/mixed.txt"]
    one = compile_list(folder, lists, ONE, "--shards", "16", "--dropped", f"{folder}/dropped")
    two = compile_list(folder, lists, TWO, "--shards", "4", "--hash-functions", "2")
    with open(f"{folder}/data/{ONE}/current/rows.txt", encoding="ascii") as file:
        rows = set(file.read().splitlines())
    keys = {e.key for e in entries}
    check(len(keys) == ENTRIES and keys <= rows, "every made-up entry has the row it stands for",
          sorted(keys - rows)[:10])
    with open(f"{folder}/dropped", encoding="utf-8") as file:
        dropped = {line.rstrip("\n").split("\t")[3] for line in file}
    real = [e for e in real_entries(real_path) if e.line not in dropped]
    check(len(real) > 1000 and {e.key for e in real} <= rows, f"so have {len(real)} entries of urlhaus-filter",
          [e.line for e in real if e.key not in rows][:10])
    check(TEST_ROW in rows and len(rows) == one["rows"] == two["rows"], "the summary counts the rows",
          (len(rows), one, two))
    return real


def test_verdicts(server, entries, real):
    r = random.Random(3)
    mixed = r.sample(entries, SAMPLE * 2 // 3) + r.sample(real, SAMPLE - SAMPLE * 2 // 3)
    all_denied(server, ONE, mixed, "one hash function")
    others = r.sample(entries, SAMPLE * 2 // 3) + r.sample(real, SAMPLE - SAMPLE * 2 // 3)
    all_allowed(server, ONE, others, "one hash function")
    few = max(SAMPLE // 10, 10)
    all_denied(server, TWO, r.sample(entries, few), "two hash functions")
    all_allowed(server, TWO, r.sample(entries, few), "two hash functions")
    all_denied(server, TWO, r.sample(entries, 10), "an old platform", "--platform", OLD_PLATFORM)
    all_allowed(server, ONE, r.sample(entries, 10), "an old platform", "--platform", OLD_PLATFORM)
    code, results, errors = ask(server, ONE, [TEST_ROW, entries[0].key + "/not"], "--as-key")
    check(code == 3 and results[TEST_ROW]["verdict"] == "denied" and
          results[entries[0].key + "/not"]["verdict"] == "allowed", "the test row, word for word", errors or results)


def test_kept_keys(folder, server, entries):
    keys = f"{folder}/keys.json"
    runs = [ask(server, ONE, [entry.below], "--keys", keys, "--trace") for entry in entries[100:103]]
    uploads = [errors.count("POST /key ") for _, _, errors in runs]
    check(uploads == [1, 0, 0], "a key kept in a file is uploaded once", uploads)
    check([code for code, _, _ in runs] == [3, 3, 3], "and every run has its verdict", runs)
    check(stat.S_IMODE(os.stat(keys).st_mode) == 0o600, "the file is its owner's alone")
    return keys


def test_update(folder, server, real_path, entries):
    """Other rows in the same shape: in force at once, for devices that have the configuration."""
    gone, kept, fresh = entries[-20:], entries[:-20], make_entries(ENTRIES, 20, 9)
    write_list(f"{folder}/mixed.txt", kept + fresh)
    session = Device(server, ONE)
    check(session.ask(gone[0].below)[0] == "denied", "before the update it is denied")
    summary = compile_list(folder, [real_path, f"{folder}/mixed.txt"], ONE)
    check(summary["shards"] == 16, "the shape stays", summary)
    server.process.send_signal(signal.SIGHUP)
    check(server.wait_version(in_force(folder, ONE)), "SIGHUP", server.log())
    all_denied(server, ONE, fresh, "after the update")
    code, results, errors = ask(server, ONE, [e.below for e in gone])
    check(code == 0 and len(results) == len(gone), "after the update: removed entries are allowed", errors)
    verdict, trace = session.ask(gone[0].below)
    check(verdict == "allowed" and "POST /config" not in trace,
          "a device in the middle of its day sees them gone, with its old configuration", trace)
    verdict, trace = session.ask(kept[500].below)
    check(verdict == "denied" and "POST /config" not in trace, "and what stayed", trace)
    session.end()
    return kept


def test_new_shape(folder, server, real_path, entries):
    """Another shape twice: the server has forgotten the configuration that the device had (410)."""
    session = Device(server, TWO)
    check(session.ask(entries[7].below)[0] == "denied", "before another shape it is denied")
    for shards in ("8", "16"):
        compile_list(folder, [real_path, f"{folder}/mixed.txt"], TWO, "--shards", shards)
        server.process.send_signal(signal.SIGHUP)
        check(server.wait_version(in_force(folder, TWO)), f"{shards} shards are taken up", server.log())
        if shards == "8":
            verdict, trace = session.ask(entries[8].below)
            check(verdict == "denied" and "POST /config" not in trace,
                  "the version before is still served to whom has it", trace)
    verdict, trace = session.ask(entries[9].below)
    check(verdict == "denied" and re.search(r"POST /queries +410 ", trace) and "POST /config" in trace,
          "the one before that is not: the device fetches the configuration and asks again", trace)
    verdict, trace = session.ask(entries[17].below)
    check(verdict == "denied" and " 410 " not in trace, "only once", trace)
    session.end()


def test_kill(folder, server, entries, keys):
    session = Device(server, ONE, "--keys", keys)
    check(session.ask(entries[11].below)[0] == "denied", "before a kill it is denied")
    server.end(signal.SIGKILL)
    server = serve(folder, server.port)
    verdict, trace = session.ask(entries[12].below)
    check(verdict == "denied" and "/key " not in trace and "/config" not in trace,
          "killed and started again: the same device goes on", trace)
    code, _, errors = ask(server, ONE, [entries[13].below], "--keys", keys, "--trace")
    check(code == 3 and "POST /key " not in errors, "a later run uploads no key", errors)
    server.end(signal.SIGKILL)
    for path in glob.glob(f"{folder}/state*"):
        os.remove(path)
    server = serve(folder, server.port)
    verdict, trace = session.ask(entries[14].below)
    check(verdict == "denied" and re.search(r"POST /queries +400 ", trace) and "POST /key " in trace,
          "a server that lost its state gets the key again", trace)
    check(server.end() == 0, "SIGTERM ends with 0")
    verdict, trace = session.ask(entries[15].below)
    check(verdict == "failed" and session.process.wait(PATIENCE_S) == 1 and "127.0.0.1" in trace,
          "without a server: exit 1 and a message that names it", trace)
    session.end()


def main():
    real_path = (glob.glob(LIST) + [None])[0]
    if real_path is None:
        skip("urlhaus-filter is not here (Debian package webext-ublock-origin-firefox)")
        return finish()
    folder = working_folder("chain")
    try:
        entries = make_entries(0, ENTRIES, 1)
        real = test_compile(folder, real_path, entries)
        server = serve(folder, free_port())
        test_verdicts(server, entries, real)
        keys = test_kept_keys(folder, server, entries)
        kept = test_update(folder, server, real_path, entries)
        test_new_shape(folder, server, real_path, kept)
        test_kill(folder, server, kept, keys)
    finally:
        Server.end_all()
        shutil.rmtree(folder, ignore_errors=True)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
