"""
HTML as it may be shown: cleaned, without anything that is fetched or run, with links that say where they go.

| in the mail | in what is shown |
|---|---|
| elements, attributes, styles that are not on the lists here | gone; script, style and the like with all that is in them |
| a picture that came with the mail (`cid:`, RFC 2392) | `src="cid:..."`, until the API puts a link to the file there |
| a picture on somebody's server | `data-src="..."`: off, so that opening a mail tells nobody that it was opened |
| a link | opens apart, has its address as its title, and its host behind it where the words do not begin with it |

The caps of `html.refusal` come first: the parser behind this would follow a hostile page too far.
"""

import re
from collections.abc import Callable
from functools import cache
from html import escape, unescape
from urllib.parse import unquote


def _words(said: str) -> frozenset[str]:
    return frozenset(said.split())


_TAGS = _words(
    "a abbr address b big blockquote br caption center cite code col colgroup dd del dfn div dl dt em figcaption figure "
    "font h1 h2 h3 h4 h5 h6 hr i img ins kbd li ol p pre q s samp small span strike strong sub sup table tbody td tfoot "
    "th thead tr tt u ul var wbr"
)
_GONE_WITH_CONTENT = _words(
    "applet audio canvas embed frameset iframe math noembed noframes noscript object script select style svg template "
    "textarea title video xmp"
)
_EVERYWHERE = _words("align bgcolor color dir height lang style title valign width")
_ATTRIBUTES = {
    "*": _EVERYWHERE,
    "a": frozenset(["href"]),
    "blockquote": frozenset(["type"]),
    "font": frozenset(["face", "size"]),
    "img": frozenset(["alt", "src"]),
    "ol": frozenset(["start", "type"]),
    "table": frozenset(["border", "cellpadding", "cellspacing"]),
    "td": frozenset(["colspan", "rowspan", "nowrap"]),
    "th": frozenset(["colspan", "rowspan", "nowrap"]),
}
_PROPERTIES = _words(
    "background-color border border-bottom border-collapse border-color border-left border-right border-spacing border-style "
    "border-top border-width clear color direction float font font-family font-size font-style font-variant font-weight "
    "height letter-spacing line-height list-style-type margin margin-bottom margin-left margin-right margin-top max-width "
    "min-width padding padding-bottom padding-left padding-right padding-top text-align text-decoration text-indent "
    "text-transform vertical-align white-space width word-break"
)
_STYLE_CAP = 4000
_VALUE = re.compile(r"[\w\s#%.,!'-]{1,200}+|rgba?\([\d\s.,%]{1,40}\)")
_HIDDEN = re.compile(r"(?:display\s*+:\s*+none|visibility\s*+:\s*+hidden|mso-hide\s*+:\s*+all)", re.IGNORECASE)
_LINK = re.compile(r"(?:https?|mailto|tel):", re.IGNORECASE)
_REMOTE = re.compile(r"https?:", re.IGNORECASE)
_CARRIED = re.compile(r"data:image/(?:png|jpeg|jpg|gif|webp);base64,[A-Za-z0-9+/=\s]*+", re.IGNORECASE)
# What the cleaner writes has no < or > inside of attributes, and its attributes in double quotes.
_LINK_OR_PICTURE = re.compile(r"<(/?)(a|img)(?: ([^<>]*+))?>")
_ATTRIBUTE = re.compile(r'([a-z-]{1,20})="([^"]*+)"')
_REMOTE_PICTURE = re.compile(r'\bsrc="(?=https?:)', re.IGNORECASE)
_CID = re.compile(r'\bsrc="cid:([^"]*+)"', re.IGNORECASE)
_MARKUP = re.compile(r"<[^<>]*+>")
_HOST = re.compile(r"https?:[/\\]*+([^/\\?#]*+)", re.IGNORECASE)
_SCHEME = re.compile(r"(?:https?://|mailto:|tel:)", re.IGNORECASE)
_HOST_CAP = 253
_OFF = ' data-src="'


def cleaned(markup: str) -> str:
    """
    Return *markup* as it may be shown in a frame of its own. It must have passed the caps of `html.refusal`.
    """
    return _signposted(_cleaner()(markup)).strip()


def with_pictures(markup: str, link: Callable[[str], str | None]) -> str:
    """
    Return cleaned *markup* with the pictures that came with the mail.

    Args:
        markup: What `cleaned` returned.
        link: From a Content-ID without its brackets to an address, None where there is no such picture.
    """

    def put(found: re.Match[str]) -> str:
        address = link(unquote(unescape(found[1])))
        return f'src="{escape(address)}"' if address else ""

    return _LINK_OR_PICTURE.sub(lambda tag: _CID.sub(put, tag[0]) if tag[2] == "img" else tag[0], markup)


def with_remote_pictures(markup: str) -> str:
    """
    Return cleaned *markup* with the pictures that lie on somebody's server: whoever reads it has asked for them.
    """
    return _LINK_OR_PICTURE.sub(lambda tag: tag[0].replace(_OFF, ' src="', 1) if tag[2] == "img" else tag[0], markup)


def has_remote_pictures(markup: str) -> bool:
    """
    Tell whether pictures of cleaned *markup* are off because they lie on somebody's server.
    """
    return any(tag[2] == "img" and _OFF in tag[0] for tag in _LINK_OR_PICTURE.finditer(markup))


@cache
def _cleaner() -> Callable[[str], str]:
    import nh3

    return nh3.Cleaner(
        tags=_TAGS,
        clean_content_tags=_GONE_WITH_CONTENT,
        attributes=_ATTRIBUTES,
        attribute_filter=_filtered,
        url_schemes={"http", "https", "mailto", "tel", "cid", "data"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    ).clean


def _filtered(tag: str, name: str, value: str) -> str | None:
    """
    Return the value that an attribute may have; None takes it away.
    """
    if name == "style":
        return _styled(value[:_STYLE_CAP]) or None
    if name == "href":
        return value if _LINK.match(value) else None
    if name == "src":
        return value if tag == "img" and (value[:4].lower() == "cid:" or _shown_from(value)) else None
    return value


def _shown_from(value: str) -> bool:
    return _REMOTE.match(value) is not None or _CARRIED.fullmatch(value) is not None


def _styled(style: str) -> str:
    """
    Keep what colours and aligns; nothing that fetches, moves or covers. What was hidden stays hidden.
    """
    kept = ["display:none"] if _HIDDEN.search(style) else []
    for one in style.split(";"):
        name, _, value = one.partition(":")
        name, value = name.strip().lower(), value.strip().replace('"', "'")
        if name in _PROPERTIES and _VALUE.fullmatch(value):
            kept.append(f"{name}:{value}")
    return ";".join(kept)


def _signposted(markup: str) -> str:
    """
    Turn remote pictures off, and write behind each link where it goes.
    """
    out: list[str] = []
    at = 0
    opened: tuple[str, int] | None = None
    for tag in _LINK_OR_PICTURE.finditer(markup):
        out.append(markup[at : tag.start()])
        at = tag.end()
        if tag[2] == "img":
            out.append(_REMOTE_PICTURE.sub('data-src="', tag[0]))
        elif tag[1]:
            out.append(tag[0])
            if opened:
                out.append(_signpost(opened[0], "".join(out[opened[1] : -1])))
            opened = None
        else:
            found = dict(_ATTRIBUTE.findall(tag[3] or ""))
            found |= {"title": found["href"]} if "href" in found else {}
            # In a fixed order, so that the same mail always gives the same bytes.
            out.append("<a" + "".join(f' {name}="{found[name]}"' for name in sorted(found)) + ">")
            opened = (unescape(found["href"]), len(out)) if "href" in found else None
    out.append(markup[at:])
    return "".join(out)


def _signpost(address: str, words: str) -> str:
    goes_to = destination(address)
    said = _SCHEME.sub("", unescape(_MARKUP.sub("", words)).strip(), count=1).casefold().removeprefix("www.")
    wanted = goes_to.casefold().removeprefix("www.")
    if said.startswith(wanted) and not said[len(wanted) : len(wanted) + 1].strip("/?#:,;)> "):
        return ""
    return f" <small>[{escape(goes_to)}]</small>"


def destination(address: str) -> str:
    """
    Return where a link goes, as a browser reads it: a host, in ASCII so that no letter passes for another; or whom it
    writes to or calls.
    """
    web = _HOST.match("".join(address.split()))
    if web is None:
        return address.partition(":")[2].partition("?")[0][:_HOST_CAP]
    host = web[1].rpartition("@")[2]
    host = host if host.startswith("[") else host.partition(":")[0]
    if host.isascii():
        return unquote(host)[:_HOST_CAP].lower()
    try:
        return host[:_HOST_CAP].encode("idna").decode("ascii")
    except UnicodeError:
        return host[:_HOST_CAP].encode("ascii", "backslashreplace").decode("ascii")
