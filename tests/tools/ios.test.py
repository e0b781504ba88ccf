#!/usr/bin/env python3
"""blindlist ios: profiles have every key and are read by another reader; wrong ones are refused with the key named.
Prints TAP."""
import json
import os
import plistlib
import shutil
import stat
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from served import working_folder  # noqa: E402
from tap import check, finish  # noqa: E402
from updating import BUILD, Done  # noqa: E402

NAMES = ["--bundle-id", "com.example.app", "--server", "https://pir.example.com", "--issuer",
         "https://issuer.example.com"]
TOKEN = "aToken<&>of-the-test"


def ios(*words):
    return Done([f"{BUILD}/blindlist", "ios", *words])


# ---- profiles ----

def written(folder, *words):
    path = f"{folder}/written.mobileconfig"
    done = ios("profile", *NAMES, "--token", TOKEN, "--out", path, *words)
    if done.code != 0:
        raise RuntimeError(str(done))
    return path


def test_written(folder):
    path = written(folder, "--name", "Safe & sound", "--organization", "Example", "--fail-closed",
                   "--designated-requirement", 'identifier "a"', "--prefilter-interval", "3600", "--report-url",
                   "https://pir.example.com/report", "--report-format", "protobuf", "--report-interval", "7200")
    with open(path, "rb") as file:
        profile = plistlib.load(file)
    check(profile["PayloadType"] == "Configuration" and profile["PayloadOrganization"] == "Example", "plistlib reads it",
          profile)
    payload = profile["PayloadContent"][0]
    check(payload["PayloadType"] == "com.apple.webcontent-filter" and payload["FilterURLs"] is True and
          payload["PluginBundleID"] == "com.example.app" and payload["UserDefinedName"] == "Safe & sound",
          "the payload is a filter of URLs", payload)
    check(payload["URLFilterParameters"] == {
        "PIRServerURL": "https://pir.example.com", "PIRPrivacyPassIssuerURL": "https://issuer.example.com",
        "PIRAuthenticationToken": TOKEN, "URLFilterControlProviderBundleIdentifier": "com.example.app.URLFilter",
        "URLFilterControlProviderDesignatedRequirement": 'identifier "a"', "URLFilterFailClosed": True,
        "URLPrefilterFetchFrequency": 3600}, "with every parameter", payload["URLFilterParameters"])
    check(payload["VendorConfig"] == {"reportEndpoint": "https://pir.example.com/report", "reportFormat": "protobuf",
                                      "reportInterval": 7200}, "and reporting", payload)
    check(payload["PayloadUUID"] != profile["PayloadUUID"], "the UUIDs differ")
    check(stat.S_IMODE(os.stat(path).st_mode) == 0o600, "nobody else may read the file, which has the token")
    done = ios("profile", "--check", path, *NAMES)
    check(done.code == 0 and done.out == f"{path}: right\n", "it passes its own check", done)
    with open(path, "rb") as file:
        first = file.read()
    shown = ios("profile", *NAMES, "--token", TOKEN, "--name", "URL filter")
    with open(written(folder), "rb") as file:
        check(file.read().decode() == shown.out and shown.out.encode() != first, "without --out it is printed")
    token_file = f"{folder}/token"
    with open(token_file, "w", encoding="utf-8") as file:
        file.write(TOKEN + "\n")
    done = ios("profile", *NAMES, "--token-file", token_file)
    check(done.out == shown.out, "with the token from a file it is the same", done)


def put(key, value):
    """A change of the filter's parameters."""
    def change(profile):
        profile["PayloadContent"][0]["URLFilterParameters"][key] = value
    return change


def put_filter(key, value):
    def change(profile):
        profile["PayloadContent"][0][key] = value
    return change


def put_top(key, value):
    def change(profile):
        profile[key] = value
    return change


def renamed(old, new):
    def change(profile):
        parameters = profile["PayloadContent"][0]["URLFilterParameters"]
        parameters[new] = parameters.pop(old)
    return change


def without(*path):
    def change(profile):
        at = profile
        for key in path[:-1]:
            at = at[key]
        del at[path[-1]]
    return change


PARAMETERS = "PayloadContent[0].URLFilterParameters"
WRONG = [  # what is done, the keys that are named
    (renamed("PIRServerURL", "PIRServerUrl"), {f"{PARAMETERS}.PIRServerUrl", f"{PARAMETERS}.PIRServerURL"}),
    (put("PirTypo", 1), {f"{PARAMETERS}.PirTypo"}),
    (put("PIRServerURL", "https://pir.example.com/"), {f"{PARAMETERS}.PIRServerURL"}),
    (put("PIRServerURL", "https://pir.example.com:8443"), {f"{PARAMETERS}.PIRServerURL"}),
    (put("PIRServerURL", "http://pir.example.com"), {f"{PARAMETERS}.PIRServerURL"}),
    (put("PIRServerURL", 7), {f"{PARAMETERS}.PIRServerURL"}),
    (put("PIRPrivacyPassIssuerURL", "https://issuer.example.com/issue"), {f"{PARAMETERS}.PIRPrivacyPassIssuerURL"}),
    (put("PIRAuthenticationToken", "Bearer abc"), {f"{PARAMETERS}.PIRAuthenticationToken"}),
    (put("PIRAuthenticationToken", "abc\n"), {f"{PARAMETERS}.PIRAuthenticationToken"}),
    (put("PIRAuthenticationToken", ""), {f"{PARAMETERS}.PIRAuthenticationToken"}),
    (put("URLFilterControlProviderBundleIdentifier", "noDots"),
     {f"{PARAMETERS}.URLFilterControlProviderBundleIdentifier"}),
    (put("URLFilterFailClosed", "false"), {f"{PARAMETERS}.URLFilterFailClosed"}),
    (put("URLPrefilterFetchFrequency", 600), {f"{PARAMETERS}.URLPrefilterFetchFrequency"}),
    (put("URLPrefilterFetchFrequency", 3600.0), {f"{PARAMETERS}.URLPrefilterFetchFrequency"}),
    (without("PayloadContent", 0, "URLFilterParameters", "PIRAuthenticationToken"),
     {f"{PARAMETERS}.PIRAuthenticationToken"}),
    (without("PayloadContent", 0, "URLFilterParameters"), {PARAMETERS}),
    (put_filter("FilterURLs", False), {"PayloadContent[0].FilterURLs"}),
    (without("PayloadContent", 0, "FilterURLs"), {"PayloadContent[0].FilterURLs"}),
    (put_filter("FilterType", "BuiltIn"), {"PayloadContent[0].FilterType"}),
    (put_filter("PayloadUUID", "no-uuid"), {"PayloadContent[0].PayloadUUID"}),
    (put_filter("FilterUrls", True), {"PayloadContent[0].FilterUrls"}),
    (put_filter("VendorConfig", {"reportFormat": "xml", "reportInterval": 60, "theirs": 1}),
     {"PayloadContent[0].VendorConfig.reportFormat", "PayloadContent[0].VendorConfig.reportInterval"}),
    (put_filter("PayloadType", "com.apple.other"), {"PayloadContent"}),
    (without("PayloadContent", 0, "PayloadType"), {"PayloadContent[0].PayloadType", "PayloadContent"}),
    (put_top("PayloadType", "Profile"), {"PayloadType"}),
    (put_top("PayloadVersion", 2), {"PayloadVersion"}),
    (put_top("Payload", 2), {"Payload"}),
    (without("PayloadUUID"), {"PayloadUUID"}),
    (put_top("PayloadContent", {}), {"PayloadContent"}),
]


def test_wrong(folder):
    right = written(folder)
    path = f"{folder}/wrong.mobileconfig"
    for change, keys in WRONG:
        with open(right, "rb") as file:
            profile = plistlib.load(file)
        change(profile)
        with open(path, "wb") as file:
            plistlib.dump(profile, file)
        done = ios("profile", "--check", path, "--json")
        told = {fault["key"] for fault in json.loads(done.out)["faults"]} if done.out else None
        check(done.code == 3 and told == keys, f"named: {' '.join(sorted(keys))}", f"{told}\n{done}")
    done = ios("profile", "--check", right, "--server", "https://other.example.com", "--bundle-id", "com.example.other")
    check(done.code == 3 and f"{PARAMETERS}.PIRServerURL: is https://pir.example.com, should be" in done.out and
          "PluginBundleID: is com.example.app" in done.out and ", line " in done.out, "other names are told", done)
    with open(right, "rb") as file:
        profile = plistlib.load(file)
    with open(path, "wb") as file:
        plistlib.dump(profile, file, fmt=plistlib.FMT_BINARY)
    done = ios("profile", "--check", path)
    check(done.code == 1 and "plutil" in done.err, "a binary one is refused by name", done)
    done = ios("profile", "--check", f"{folder}/nowhere")
    check(done.code == 1 and "nowhere" in done.err, "one that is not there is named", done)


def test_usage():
    for words, what in (
            (["profile"], "--bundle-id and --server"), (["profile", *NAMES], "--token"),
            (["profile", *NAMES, "--token", "a", "--token-file", "b"], "--token"),
            (["profile", *NAMES, "--token", "a", "--prefilter-interval", "2699"], "2700"),
            (["profile", *NAMES, "--token", "a", "--report-interval", "60"], "3600"),
            (["profile", *NAMES, "--token", "a", "--report-format", "xml"], "json or protobuf"),
            (["profile", *NAMES, "--token", "a", "--server", "https://pir.example.com/"], "slash"),
            (["profile", *NAMES, "--token", "a", "--issuer", "http://localhost:1"], "https://"),
            (["profile", *NAMES, "--token", "a", "--extension-id", "com.other.filter"], "--extension-id"),
            (["profile", *NAMES, "--token", "a", "--bundle-id", "x"], "bundle identifier")):
        done = ios(*words)
        check(done.code == 2 and what in done.err and not done.out, f"ios {' '.join(words)[:70]}: {what}", done)


def main():
    folder = working_folder("ios")
    try:
        test_written(folder)
        test_wrong(folder)
        test_usage()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main()
sys.exit(finish())
