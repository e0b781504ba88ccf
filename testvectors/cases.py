"""Cases as they stand in the files: their members, their types, and how two values are compared."""
import base64
import json
import re

BASE64_FIELDS = ("query", "response")


class Malformed(Exception):
    """The file is not what its format says."""


class Differs(Exception):
    """A value is not as expected: field, expected, got."""


class Kind:
    """How one sort of case looks: inputs with their types, names of outputs, the function."""

    def __init__(self, check, outputs, **inputs):
        self.check, self.outputs, self.inputs = check, outputs.split(), inputs


def strict_json(data):
    def once(pairs):
        out = dict(pairs)
        if len(out) != len(pairs):
            raise ValueError("a name occurs twice in an object")
        return out

    def refuse(name):
        raise ValueError(f"{name} is not JSON")
    return json.loads(data.decode("utf-8"), object_pairs_hook=once, parse_constant=refuse)


def is_number(v):
    return isinstance(v, int) and not isinstance(v, bool) and v >= 0


def convert(value, sort):
    """A JSON value as the checks take it; ValueError when it is something else."""
    def each(kind, count=None):
        if not isinstance(value, list) or count not in (None, len(value)):
            raise ValueError
        return [convert(v, kind) for v in value]

    if sort in ("text", "hex", "base64"):
        if not isinstance(value, str):
            raise ValueError
        if sort == "hex":
            if re.fullmatch(r"([0-9a-f]{2})*", value) is None:
                raise ValueError
            return bytes.fromhex(value)
        return base64.b64decode(value, validate=True) if sort == "base64" else value
    if sort == "number":
        if not is_number(value):
            raise ValueError
        return value
    if sort == "rate":
        if not isinstance(value, float) or not 0 < value < 1:
            raise ValueError
        return value
    if sort == "row":
        if not isinstance(value, list) or len(value) != 2:
            raise ValueError
        return convert(value[0], "text"), convert(value[1], "hex")
    if sort == "pair":
        return each("number", 2)
    if sort == "list":
        if not isinstance(value, list):
            raise ValueError
        return value
    return each({"numbers": "number", "texts": "text", "pairs": "pair", "rows": "row",
                 "number_lists": "numbers", "tables": "buckets", "buckets": "hex"}[sort])


def checked_inputs(case, kind, where):
    if not isinstance(case, dict):
        raise Malformed(f"{where} is not an object")
    names = list(kind.inputs) + kind.outputs
    for name in names:
        if name not in case:
            raise Malformed(f"{where} lacks {name}")
    for name in case:
        if name not in names and name not in ("what", "note"):
            raise Malformed(f"{where} has an unknown member {name}")
    out = {}
    for name, sort in kind.inputs.items():
        try:
            out[name] = convert(case[name], sort)
        except ValueError:
            raise Malformed(f"{where}: {name} is not of type {sort}") from None
    return out


def as_json(value, name):
    if isinstance(value, bytes):
        return base64.b64encode(value).decode() if name in BASE64_FIELDS else value.hex()
    if isinstance(value, (list, tuple)):
        return [as_json(v, name) for v in value]
    return value


def compare(path, expected, got):
    """Raises Differs at the first place where two JSON values differ."""
    if type(expected) is not type(got):
        raise Differs(path, expected, got)
    if isinstance(expected, dict):
        for key in list(expected) + [k for k in got if k not in expected]:
            if key not in got or key not in expected:
                raise Differs(f"{path}.{key}", expected.get(key), got.get(key))
            compare(f"{path}.{key}", expected[key], got[key])
    elif isinstance(expected, list):
        for i, (a, b) in enumerate(zip(expected, got)):
            compare(f"{path}[{i}]", a, b)
        if len(expected) != len(got):
            raise Differs(path, f"{len(expected)} values", f"{len(got)} values")
    elif expected != got:
        raise Differs(path, expected, got)


def brief(value):
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= 100 else text[:100] + "..."
