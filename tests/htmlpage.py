"""An HTML page as a browser's parser sees it. tests/tap.py says how to reach this file."""
import html.parser

VOID = {"meta", "br", "wbr"}


class Page(html.parser.HTMLParser):
    """Its sections by their titles, how often each tag is there, and what is wrong: not closed, or reaching outside."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.wrong, self.text, self.sections = [], {}, [], "", {}
        self.title = None
        self.feed(text)
        self.close()
        if self.open:
            self.wrong.append(f"not closed: {self.open}")

    def handle_starttag(self, tag, attributes):
        self.tags[tag] = self.tags.get(tag, 0) + 1
        for name, value in attributes:
            if name.startswith("on") or name in ("src", "href", "action", "style"):
                self.wrong.append(f"{tag} {name}={value}")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> in {self.open}")

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.title = data
            self.sections[data] = ""
        elif self.title and "style" not in self.open:
            self.sections[self.title] += data
        self.text += data if "style" not in self.open else ""
