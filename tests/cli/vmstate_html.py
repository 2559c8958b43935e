#!/usr/bin/python3
"""Reads a page of vmstate as strictly as no browser does; says what is wrong, and exits 1.

usage: vmstate_html.py PAGE              well formed, and needs nothing from outside
       vmstate_html.py PAGE --changes    and prints its changes: "device-before|device-after|kind|path|before|after"
       vmstate_html.py PAGE --text       and prints its text, without that of style and script
"""
import html.parser
import sys

VOID = {"meta", "input", "wbr", "br", "link", "img", "hr"}
# All that we write; anything else was smuggled in.
ELEMENTS = VOID - {"link", "img"} | set(
    "html head title style script body header footer main section div span p b h1 h2 h3 a code dl dt dd form label button output "
    "details summary table thead tbody tr th td ul li".split())
ATTRIBUTES = set(
    "lang charset http-equiv content name class id role hidden type placeholder aria-label aria-keyshortcuts aria-pressed "
    "autocomplete spellcheck data-item data-row data-kind data-label data-name scope colspan href style tabindex open title".split())
# Elements whose end tag must not be left out, and which may stand in which: the tables.
INSIDE = {"tr": {"thead", "tbody"}, "td": {"tr"}, "th": {"tr"}, "summary": {"details"}, "dt": {"dl"}, "dd": {"dl"},
          "thead": {"table"}, "tbody": {"table"}}


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.stack, self.errors, self.ids, self.links = [], [], set(), []
        self.text, self.rows, self.cell, self.device = [], [], None, None
        self.script = self.style = ""

    def error_at(self, text):
        self.errors.append("line %d, column %d: %s" % (*self.getpos(), text))

    def handle_decl(self, decl):
        if decl.lower() != "doctype html":
            self.error_at("declaration " + decl)

    def handle_comment(self, data):
        self.error_at("comment " + data)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if len(given) != len(attrs):
            self.error_at("the same attribute twice: %s" % (attrs,))
        for name in set(given) - ATTRIBUTES:
            self.error_at("attribute " + name)
        if tag not in ELEMENTS:
            self.error_at("element " + tag)
        if tag in INSIDE and (not self.stack or self.stack[-1][0] not in INSIDE[tag]):
            self.error_at("%s in %s" % (tag, self.stack and self.stack[-1][0]))
        if "id" in given:
            if given["id"] in self.ids:
                self.error_at("id %s twice" % given["id"])
            self.ids.add(given["id"])
        if "href" in given:
            self.links.append(given["href"])
        if tag not in VOID:
            self.stack.append((tag, given.get("class", "").split()))
            self.begin(tag, given)

    def handle_startendtag(self, tag, attrs):
        self.error_at("<%s/>" % tag)

    def begin(self, tag, given):
        classes = given.get("class", "").split()
        if tag == "details" and "item" in classes:
            self.device = ""
        elif tag == "tr" and "row" in classes:
            self.rows.append([self.device, given["data-kind"]])
        elif tag == "td" and any(t == "tr" and "row" in c for t, c in self.stack):
            self.cell = ""

    def handle_endtag(self, tag):
        if not self.stack or self.stack[-1][0] != tag:
            self.error_at("</%s> ends %s" % (tag, self.stack and self.stack[-1][0]))
            return
        self.stack.pop()
        if tag == "td" and self.cell is not None:
            self.rows[-1].append(self.cell)
            self.cell = None

    def handle_data(self, data):
        inside = [tag for tag, _ in self.stack]
        if "script" in inside:
            self.script += data
        elif "style" in inside:
            self.style += data
        else:
            self.text.append(data)
            if self.cell is not None:
                self.cell += data
            elif self.device == "" and inside[-2:] == ["summary", "span"]:
                self.device = data

    def finish(self, source):
        self.close()
        if self.stack:
            self.errors.append("not closed: %s" % self.stack)
        for link in self.links:
            if not link.startswith("#") or link[1:] not in self.ids:
                self.errors.append("a link to " + link)
        for word in ("url(", "@import", "expression("):
            if word in self.style:
                self.errors.append("style has " + word)
        for word in ("fetch(", "XMLHttp", "import(", "innerHTML", "eval(", "document.write", "src="):
            if word in self.script:
                self.errors.append("script has " + word)
        if "://" in source:
            self.errors.append("an address of another place")
        for i, character in enumerate(source):
            if (ord(character) < 0x20 and character not in "\n\t") or 0x7f <= ord(character) <= 0x9f or character in "\u2028\u202e":
                self.errors.append("character %#x at %d" % (ord(character), i))


def main():
    with open(sys.argv[1], encoding="utf-8", newline="") as file:
        source = file.read()
    page = Page()
    page.feed(source)
    page.finish(source)
    if "--text" in sys.argv:
        print("".join(page.text))
    if "--changes" in sys.argv:
        for device, kind, *cells in page.rows:
            before, _, after = device.partition(" \u2192 ")
            if cells[0] != kind:
                page.errors.append("%s called %s" % (kind, cells[0]))
            print("|".join([before, after or before, kind] + cells[1:]))
    for error in page.errors[:20]:
        print(error, file=sys.stderr)
    return 1 if page.errors else 0


sys.exit(main())
