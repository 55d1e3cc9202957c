"""
Every mail as mail programs read it: HTML without a fault, only what they all support, and words that can be seen.

What they support is from caniemail.com: Gmail, Outlook (with Word's engine, and on the web), Apple Mail, Yahoo, GMX.
What is not in the lists here is missing in one of them, or nobody has looked it up yet.
"""

import re

import pytest
from justhtml import JustHTML

from chalicelib.adapters import templates
from chalicelib.adapters.templates import mail, page
from tests.test_templates import EVERY_MAIL, LANGUAGES, MAILS, PAGES, SHOP, VARIANTS

TAGS = {
    *("html", "head", "meta", "title", "style", "body", "table", "tbody", "tr", "td"),
    *("div", "p", "h2", "ul", "li", "blockquote", "a", "strong", "span", "br"),
}

# With these a mail is complete. The others may be dropped and it still reads well.
INLINE = {
    *("margin", "margin-top", "margin-bottom", "padding", "padding-left", "padding-top"),
    *("border", "border-top", "border-left", "background", "color", "display", "max-width", "table-layout"),
    *("font-family", "font-size", "font-weight", "line-height", "text-align", "text-decoration", "list-style"),
}
DROPPED_WITHOUT_HARM = {"border-radius", "overflow-wrap", "word-break", "white-space", "mso-padding-alt"}

# Gmail cuts a mail off behind 102 KB, and drops a style sheet of more than 8,192 characters.
LONGEST_MAIL, LONGEST_SHEET = 102_000, 8192

COLOURS = ("#1f5fa8", "#ffe14d", "#000000", "#ffffff", "#808080", "#7a0033")


def parsed(html):
    return JustHTML(html, strict=True, sanitize=False)


def elements(node):
    for child in node.children or ():
        if not child.name.startswith(("#", "!")):
            yield child
            yield from elements(child)


def style(node):
    return dict(each.split(":", 1) for each in (node.attrs.get("style") or "").split(";") if each)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("what", "changed"), VARIANTS)
def test_every_mail_is_html_without_a_fault(what, changed, language):
    html = mail(what, language, {**MAILS[what], **changed}).html
    assert parsed(html).root
    assert len(html.encode()) < LONGEST_MAIL


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_html_without_a_fault(name):
    assert parsed(page(name, "de", PAGES[name])).root


@pytest.mark.parametrize(("what", "changed"), VARIANTS)
def test_mail_programs_support_what_a_mail_is_made_of(what, changed):
    seen = parsed(mail(what, "de", {**MAILS[what], **changed}).html)
    assert {node.name for node in elements(seen.root)} <= TAGS
    for node in elements(seen.root):
        assert style(node).keys() <= INLINE | DROPPED_WITHOUT_HARM
        assert style(node).get("display", "block") in {"block", "inline-block"}
        for value in style(node).values():
            assert not re.search(r"url\(|var\(|calc\(|\d(?:rem|vw|vh)\b|rgba|!important", value)
        assert "src" not in node.attrs
        assert not [name for name in node.attrs if name.startswith("on")]


@pytest.mark.parametrize("what", MAILS)
def test_gmail_takes_the_style_sheet(what):
    (sheet,) = parsed(mail(what, "de", MAILS[what]).html).query("style")
    css = sheet.to_text()
    assert len(css) < LONGEST_SHEET
    assert not re.search(r"@(?!media \()|/\*|url\(|<", css)
    assert css.count("{") == css.count("}")


@pytest.mark.parametrize(("what", "language"), EVERY_MAIL)
def test_a_screen_reader_speaks_the_language_and_counts_no_tables(what, language):
    seen = parsed(mail(what, language, MAILS[what]).html)
    (page,), tables = seen.query("html"), seen.query("table")
    assert page.attrs["lang"] == tables[0].attrs["lang"] == language  # Gmail drops <html>
    assert {table.attrs.get("role") for table in tables} == {"presentation"}
    assert seen.query("title")[0].to_text().startswith(SHOP["name"])
    for link in seen.query("a"):
        assert link.to_text().strip()


def shades(seen, *, dark):
    """Yield each piece of text with its colour and what it stands on, as the inline styles say, or those of dark mode."""
    said = {id(node): style(node) for node in elements(seen.root)}
    if dark:
        sheet = seen.query("style")[0].to_text().partition("(prefers-color-scheme: dark)")[2]
        for selectors, rules in re.findall(r"^  (\S[^{]*) \{ (.*) \}$", sheet, re.MULTILINE):
            overridden = dict(re.findall(r"([\w-]+): ([^;]+) !important", rules))
            for selector in selectors.split(", "):
                for node in seen.query(selector):
                    said[id(node)].update(overridden)

    def walk(node, colour, back):
        for child in node.children or ():
            if child.name == "#text":
                if child.data.strip():
                    yield child.data, colour, back
            elif id(child) in said and child.name != "head":
                own = said[id(child)]
                yield from walk(child, own.get("color", colour), own.get("background", back))

    return list(walk(seen.root, "none", "none"))


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("colour", COLOURS)
def test_every_word_can_be_read_in_the_light_and_in_the_dark(colour, dark):
    for what, context in MAILS.items():
        html = mail(what, "de", {**context, "storefront": {**SHOP, "colour": colour}}).html
        said = shades(parsed(html), dark=dark)
        assert len(said) > 5
        for words, ink, back in said:
            assert templates._contrast(ink, back) >= 4.5, (what, words, ink, back)
