"""
In which language a customer is answered: named in the request, else his own, else detected, else the storefront's. His
own and a detected one count only where the storefront speaks them.
"""

import re

from chalicelib.domain.storefront import Storefront
from chalicelib.domain.ticket import Customer

_WORD = re.compile(r"[^\W\d_]+")
_ENOUGH_WORDS = 20
_SURE, _LEAD = 0.2, 0.05

# The smallest words of each language. One that languages share counts for each of them: the lead decides.
_SMALL_WORDS = {
    "en": (
        "the and of to is was for with that this have has not you your my it but are on when what please i a "
        "in be been do does did if or we they me from how which there will would can could so at as by an any "
        "no"
    ),
    "es": (
        "el la los las un una de del que y en con por para se me mi su no es está ha he lo le les pero muy "
        "más como cuando si ya al este esta qué hay son han gracias usted pedido hola porque sin también"
    ),
    "pt": (
        "o a os as um uma de do da dos das no na em que e é com por para se me meu minha não mas como quando "
        "já ao à está foi são mais muito pelo pela eu ou até isso este esta obrigado obrigada você porque sem "
        "também"
    ),
    "fr": (
        "le la les l un une des du de d et est dans pour avec que qui je j vous votre vos mon ma mes ne n pas "
        "mais sur ce c cette il elle en au aux à nous on ai été sont par plus s si bonjour merci quand bien"
    ),
    "de": (
        "der die das den dem des ein eine einen einer und ist war sind ich mir mich mein meine meiner nicht "
        "mit für auf von zu zum zur im in an es sie er wir ihr aber auch wenn wie was bitte habe hat wurde "
        "noch bei nach dass oder kann aus danke"
    ),
    "it": (
        "il lo la i gli le un una di del della che e è in con per non si mi mio mia ma sono ho ha come quando "
        "se nel alla al da dal più anche questo questa ci vi grazie buongiorno perché quanto loro o ed"
    ),
}
LANGUAGE_WORDS = {language: frozenset(words.split()) for language, words in _SMALL_WORDS.items()}


def detected(text: str) -> str | None:
    """Return the language (ISO 639-1) of a text of at least 20 words, None when it is short or in doubt."""
    words = [word.casefold() for word in _WORD.findall(text[:4000])]
    if len(words) < _ENOUGH_WORDS:
        return None
    hits = sorted(
        ((sum(w in known for w in words), language) for language, known in LANGUAGE_WORDS.items()), reverse=True
    )
    (most, language), (second, _) = hits[0], hits[1]
    return language if most >= _SURE * len(words) and most - second >= _LEAD * len(words) else None


def chosen(named: str, known: Customer | None, text: str, storefront: Storefront) -> str:
    """
    Return the language to answer in.

    Args:
        named: By the request itself, "" where it names none: it counts, whatever the storefront speaks.
        known: The customer, as far as known.
        text: What he wrote.
        storefront: Whom he wrote to.
    """
    if named:
        return named
    if known and known.language and storefront.speaks(known.language):
        return known.language
    found = detected(text)
    return found if found and storefront.speaks(found) else storefront.language
