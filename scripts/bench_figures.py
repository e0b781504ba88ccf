"""The lines of `make bench` as figures (bench/README.md), for scripts that compute with them."""
import re

HEAD = re.compile(r"# (machine|system|commit|kernel|compiler) +(\S.*)")
FIELD = re.compile(r"([a-z0-9_]+)=(\S+)")
SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3}


class BadInput(Exception):
    """What is wrong with a recording, with its path and line."""


def shown(name, fields):
    return " ".join([name] + [f"{key}={value}" for key, value in fields.items()])


class Figure:
    """One line: what was done, and its fields."""

    def __init__(self, where, name, fields):
        self.where, self.name, self.fields = where, name, fields

    def text(self, field):
        if field not in self.fields:
            raise BadInput(f"{self.where}: {self.name} has no {field}=")
        return self.fields[field]

    def number(self, field):
        """70% is 70."""
        text = self.text(field)
        if not re.fullmatch(r"\d+(\.\d+)?%?", text):
            raise BadInput(f"{self.where}: {field}={text} is not a number")
        return float(text.rstrip("%"))

    def dimensions(self):
        text = self.text("dimensions")
        if not re.fullmatch(r"[1-9]\d*x[1-9]\d*", text):
            raise BadInput(f"{self.where}: dimensions={text} are not two numbers")
        return [int(part) for part in text.split("x")]

    def positive(self, field):
        value = self.number(field)
        if value == 0:
            raise BadInput(f"{self.where}: {field}={self.fields[field]} is nothing")
        return value

    def seconds(self, kind="median"):
        """A time, whose unit ends the field's name."""
        units = [unit for unit in SECONDS if f"{kind}_{unit}" in self.fields]
        if len(units) != 1:
            raise BadInput(f"{self.where}: {self.name} has {len(units)} of "
                           + ", ".join(f"{kind}_{unit}=" for unit in SECONDS))
        return self.positive(f"{kind}_{units[0]}") * SECONDS[units[0]]


class Recording:
    """What one run of `make bench` printed; what the build says before `# machine` is passed over."""

    def __init__(self, path):
        self.path = path
        self.head = {}
        self.figures = []
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                self._take(f"{path}:{number}", line.strip())
        for key in ("machine", "commit"):
            if key not in self.head:
                raise BadInput(f"{path}: no line `# {key}`: is this the output of make bench?")

    def _take(self, where, line):
        head = HEAD.fullmatch(line)
        if not head and not self.head:
            return
        if head:
            if head.group(1) in self.head:
                raise BadInput(f"{where}: a second `# {head.group(1)}`: two runs in one file")
            self.head[head.group(1)] = head.group(2)
        elif line and not line.startswith("#"):
            words = line.split()
            fields = [FIELD.fullmatch(word) for word in words[1:]]
            if len(words) < 2 or None in fields:
                raise BadInput(f"{where}: not a line of a benchmark: {line[:60]}")
            named = dict(field.groups() for field in fields)
            if len(named) != len(fields):
                raise BadInput(f"{where}: a field twice: {line[:60]}")
            self.figures.append(Figure(where, words[0], named))

    def all(self, name, **fields):
        """The figures of that name with those fields, in the order in which they were printed."""
        wanted = {key: str(value) for key, value in fields.items()}
        return [figure for figure in self.figures if figure.name == name
                and all(figure.fields.get(key) == value for key, value in wanted.items())]

    def some(self, name, **fields):
        """The same, where there must be any."""
        found = self.all(name, **fields)
        if not found:
            raise BadInput(f"{self.path}: no line `{shown(name, fields)}`")
        return found

    def one(self, name, **fields):
        found = self.all(name, **fields)
        if len(found) != 1:
            raise BadInput(f"{self.path}: {len(found)} lines `{shown(name, fields)}`, one is needed")
        return found[0]
