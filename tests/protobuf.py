"""A little Protobuf: messages as numbered fields. tests/tap.py says how to reach this file."""


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(tag, value):
    if isinstance(value, int):
        return varint(tag << 3) + varint(value)
    return varint(tag << 3 | 2) + varint(len(value)) + value


def parse(message):
    """{number: [values]}"""
    at, fields = 0, {}

    def number_at(at):
        value = shift = 0
        while True:
            byte = message[at]
            value |= (byte & 127) << shift
            shift += 7
            at += 1
            if byte < 128:
                return value, at
    while at < len(message):
        tag, at = number_at(at)
        value, at = number_at(at)
        if tag & 7 == 2:
            value, at = message[at:at + value], at + value
        fields.setdefault(tag >> 3, []).append(value)
    return fields
