#!/usr/bin/env python3
"""EasyList, EasyPrivacy, uBlock Origin's filters and urlhaus-filter, as Debian packages them, through `blindlist update`
to a running server: the report accounts for each line, what a rule blocks is denied, what no rule covers is not.
Prints TAP.

What a rule blocks is read here by the documentation of Adblock Plus (adblockplus.org/filter-cheatsheet) and of uBlock
Origin's static filter syntax, with regular expressions; nothing of it is taken from the project. REAL_SAMPLE: how many
rules and how many other URLs are asked about (2000; 50 in builds with a sanitizer)."""
import functools
import glob
import json
import os
import random
import re
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from served import Server  # noqa: E402
from tap import check, finish, skip  # noqa: E402
from updating import BUILD, Done, USE_CASE, Workplace  # noqa: E402

ASSETS = "/usr/share/mozilla/extensions/*/uBlock0@raymondhill.net/assets"
LISTS = {"easylist": "thirdparties/easylist/easylist.txt", "easyprivacy": "thirdparties/easylist/easyprivacy.txt",
         "urlhaus": "thirdparties/urlhaus-filter/urlhaus-filter-online.txt",
         **{f"ublock-{name}": f"ublock/{name}.min.txt"
            for name in ("badware", "filters", "privacy", "quick-fixes", "unbreak")}}
SAMPLE = int(os.environ.get("REAL_SAMPLE", "2000" if os.path.basename(BUILD) == "build" else "50"))
ASKERS = 2
SEED = 101
# What a page's address is made of in URLs that no rule covers.
WORDS = ("news", "about", "shop", "article", "image.png", "index.html", "2026", "a_b", "search")


# ---- rules, read independently ----

def is_comment(line):
    return not line.strip() or line.startswith("!") or line.startswith("[Adblock")


def split_options(line):
    """The pattern and the options of a rule: `$` and words at the end of the line."""
    match = re.fullmatch(r"(.+?)\$([\w~,=.|*/-]+)", line)
    return (match.group(1), match.group(2).split(",")) if match else (line, [])


def matcher(pattern):
    """Which URLs it blocks. `^` is anything but a letter, a digit and _-.%, or the end."""
    if re.fullmatch(r"[\w.-]+", pattern):  # uBlock Origin: a name alone is a host
        pattern = f"||{pattern}^"
    text = re.escape(pattern.strip("|")).replace(r"\*", ".*").replace(r"\^", r"(?:[^\w.%-]|$)")
    if pattern.startswith("||"):
        text = r"^https?://(?:[^/?#]*\.)?" + text
    elif pattern.startswith("|"):
        text = "^" + text
    if pattern.endswith("|"):
        text += "$"
    return re.compile(text, re.IGNORECASE)


class Rule:
    """One line that was kept: a URL that it blocks, and the host under which it is found."""

    def __init__(self, source, number, line):
        self.place = f"{source}, line {number}: {line}"
        self.pattern, self.options = split_options(line)
        bare = re.sub(r"^\|https?://", "", self.pattern).strip("|")
        self.host = re.match(r"[^/^?:*]*", bare).group().lower()
        self.is_address = re.fullmatch(r"[\d.]+", self.host) is not None
        self.bare = bare

    @functools.cached_property
    def blocks(self):
        return matcher(self.pattern)

    @functools.cached_property
    def key_blocks(self):
        """What it blocks on devices, which drop "www." from hosts."""
        return matcher(re.sub(r"^(\|*(https?://)?)www\.", r"\1", self.pattern))

    def url(self, randomly):
        """Blocked by it; on a subdomain or deeper where it says that these are meant. A device matches queries whole
        (docs/LISTS.md: "narrower: query"), so that nothing comes behind one."""
        text = self.bare
        is_host = self.host == text.rstrip("^").lower()
        if text.endswith("^"):
            text = text[:-1] + ("" if "?" in text else randomly.choice(("", "/", "/deep/er")))
        elif is_host:
            text += randomly.choice(("", "/", "/deep/er"))
        text = text.replace("^", "/")
        if is_host and not self.is_address and not self.pattern.startswith("|http"):
            text = randomly.choice(("", "sub.", "a.b.")) + text
        return randomly.choice(("https://", "http://")) + text


def suffixes(host):
    labels = host.split(".")
    return [".".join(labels[i:]) for i in range(len(labels))]


def is_covered(url, rules_of):
    host = re.match(r"https?://([^/:?#]*)", url).group(1)
    return any(rule.key_blocks.search(url) for suffix in suffixes(host) for rule in rules_of.get(suffix, ()))


def cancelled(lines):
    """Patterns that lines with $badfilter take back."""
    found = [split_options(line.lstrip("@")) for line in lines if "badfilter" in line]
    return {pattern for pattern, options in found if "badfilter" in options}


# ---- URLs that no rule covers ----

def sites(lines):
    """Of pages that rules name in their options, or hide elements on: real ones."""
    for line in lines:
        for part in re.findall(r"domain=([^,]+)", line) + re.findall(r"^([\w.,~-]+)#[@?$]?#", line):
            for name in re.split(r"[|,]", part):
                if re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", name):
                    yield name


def near(rule, randomly):
    """Beside what the rule means: another host that ends alike, a parent's other child, a longer name in the path."""
    host, path = rule.host, rule.bare[len(rule.host):].rstrip("^")
    choice = randomly.randrange(3)
    if path.strip("/") and choice == 0 and "?" not in path:
        return f"https://{host}{path.rstrip('/')}x"
    if choice == 1 and host.count(".") > 1 and not rule.is_address:
        return f"https://zz-none.{host.split('.', 1)[1]}/x"
    return f"https://{'1.2.3.4' if rule.is_address else 'x' + host}/{randomly.choice(WORDS)}"


def uncovered(rules, rules_of, names, randomly):
    urls = set()
    while len(urls) < SAMPLE:
        if len(urls) % 2 == 0:
            url = f"https://{randomly.choice(names)}/" + "/".join(randomly.choices(WORDS, k=randomly.randint(0, 3)))
        else:
            url = near(randomly.choice(rules), randomly)
        if not is_covered(url, rules_of):
            urls.add(url)
    return sorted(urls)


# ---- asking ----

def verdicts(server, urls):
    """{url: verdict} by two devices at once."""
    found = {}

    def ask(part):
        path = place.write(f"urls.{part}", "".join(f"{url}\n" for url in urls[part::ASKERS]))
        done = Done([f"{BUILD}/blindlist", "check", "--server", f"http://127.0.0.1:{server.port}", "--json", "--urls",
                     path], timeout=600)
        try:
            results = json.loads(done.out)["results"]
        except (ValueError, LookupError):
            results = []
        if len(results) != len(urls[part::ASKERS]):
            problems.append(str(done)[:1000])
        found.update((result["url"], result.get("verdict", result)) for result in results)

    threads = [threading.Thread(target=ask, args=(part,)) for part in range(ASKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


# ---- tests ----

def account(texts, done):
    """Each line is a comment, told as dropped with its number, or kept. The kept ones by source and number."""
    report = json.loads(place.published("report.json"))
    dropped = {}
    for drop in report["drops"]:
        dropped.setdefault(drop["file"], set()).add(drop["line"])
    check(report["dropsOmitted"] == 0 and sum(map(len, dropped.values())) == report["lists"]["dropped"] ==
          sum(report["lists"]["droppedFor"].values()), "each dropped line is told once, with its reason")
    kept = []
    for told in done.json["sources"]:
        lines = texts[told["name"]]
        rest = [number for number, line in enumerate(lines, 1)
                if not is_comment(line) and number not in dropped.get(told["name"], ())]
        comments = sum(map(is_comment, lines))
        check(told["lines"] == len(lines) == comments + told["dropped"] + told["kept"] and len(rest) == told["kept"],
              f"{told['name']}: {len(lines)} lines are {comments} comments, {told['dropped']} dropped and "
              f"{told['kept']} kept", f"{told} {len(rest)}")
        kept += [(told["name"], number, lines[number - 1]) for number in rest]
    return kept


def run(assets):
    texts = {}
    for name, path in LISTS.items():
        with open(f"{assets}/{path}", encoding="utf-8", newline="\n") as file:
            texts[name] = file.read().removesuffix("\n").split("\n")
    done = place.update(place.lists(*({"id": name, "file": f"{assets}/{path}", "format": "adblock"}
                                      for name, path in LISTS.items())))
    check(done.code == 0 and done.json["rows"] > 50_000, f"{done.json.get('rows')} rows of {len(LISTS)} lists", done)
    kept = account(texts, done)
    every_line = [line for lines in texts.values() for line in lines]
    taken_back = cancelled(every_line)
    rules = [Rule(*item) for item in kept if not item[2].startswith("@@") and "badfilter" not in item[2]]
    rules = [rule for rule in rules if rule.pattern not in taken_back]
    rules_of = {}
    for rule in rules:
        rules_of.setdefault(rule.host.removeprefix("www."), []).append(rule)
    randomly = random.Random(SEED)

    sample = randomly.sample(rules, SAMPLE)
    blocked = {rule.url(randomly): rule for rule in sample}
    unlike = [f"{url} of {rule.place}" for url, rule in blocked.items() if not rule.blocks.search(url)]
    check(not unlike, f"each of {SAMPLE} sampled rules blocks its URL, by the rule's own syntax", "\n".join(unlike))
    free = uncovered(rules, rules_of, sorted(set(sites(every_line))), randomly)

    server = Server(place.data)
    told = verdicts(server, sorted(blocked))
    wrong = [f"{url}: {told.get(url)}, {rule.place}" for url, rule in blocked.items() if told.get(url) != "denied"]
    check(not wrong and not problems, f"{len(blocked)} URLs that rules block are denied", "\n".join(wrong + problems))
    told = verdicts(server, free)
    wrong = [f"{url}: {told.get(url)}" for url in free if told.get(url) != "allowed"]
    check(not wrong and not problems, f"{len(free)} URLs that no rule covers are allowed", "\n".join(wrong + problems))
    check(server.end() == 0, "the server ends")


problems = []
place = Workplace("real-lists")
found = glob.glob(ASSETS)
try:
    if found:
        run(found[0])
    else:
        skip("the lists are not here (Debian package webext-ublock-origin-firefox)")
finally:
    Server.end_all()
    place.remove()
sys.exit(finish())
