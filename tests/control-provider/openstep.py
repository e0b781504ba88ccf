"""Reads property lists of the old kind, as Xcode writes project files: dictionaries, lists and texts. tests/tap.py says how
to reach this file."""
import re

TOKEN = re.compile(r"""\s+|//[^\n]*|/\*.*?\*/|(?P<mark>[{}()=;,])|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[\w./$:-]+)""",
                   re.DOTALL)


def tokens(text):
    at = 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"character {at}: {text[at:at + 20]!r}")
        at = match.end()
        if match["mark"]:
            yield match["mark"], True
        elif match["quoted"] is not None:
            yield re.sub(r"\\(.)", r"\1", match["quoted"]), False
        elif match["plain"]:
            yield match["plain"], False


def parse(text):
    """The value that the text holds; ValueError when it is none."""
    found = list(tokens(text))
    value, at = read(found, 0)
    if at != len(found):
        raise ValueError("more behind the end")
    return value


def expect(found, at, mark):
    if at >= len(found) or found[at] != (mark, True):
        raise ValueError(f"token {at}: {mark} is due")
    return at + 1


def read(found, at):
    if at >= len(found):
        raise ValueError("it ends early")
    word, is_mark = found[at]
    if not is_mark:
        return word, at + 1
    at += 1
    if word == "(":
        items = []
        while found[at] != (")", True):
            item, at = read(found, at)
            items.append(item)
            if found[at] != (")", True):
                at = expect(found, at, ",")
        return items, at + 1
    if word != "{":
        raise ValueError(f"token {at}: {word}")
    members = {}
    while found[at] != ("}", True):
        key, at = read(found, at)
        if not isinstance(key, str) or key in members:
            raise ValueError(f"{key!r} is no key, or there twice")
        members[key], at = read(found, expect(found, at, "="))
        at = expect(found, at, ";")
    return members, at + 1
