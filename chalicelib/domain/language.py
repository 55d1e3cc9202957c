"""
In which language a customer is answered: named in the request, else his own, else detected, else the storefront's.
"""

import re

_WORD = re.compile(r"[^\W\d_]+")
_ENOUGH_WORDS = 20
_SURE = 0.15

# Small words that are frequent in one language and rare in the others.
_SMALL_WORDS = {
    "en": "the and of to is was for with that this have not you my it but are on when what please",
    "es": "el los las que y en con por para una mi pero muy está como cuando gracias usted pedido hola",
    "pt": "os das não um uma com para que meu minha está mas quando obrigado você foi pelo são muito já",
    "fr": "le les des et est dans pour avec une que je vous mon pas mais sur votre bonjour merci ai",
    "de": "der die und das ist ich nicht mit für ein eine auf meine bitte aber wenn habe sie wurde zu",
    "it": "il gli che di non per con una mio è ma sono della quando grazie ho questo nel alla buongiorno",
}
_LANGUAGE_WORDS = {language: frozenset(words.split()) for language, words in _SMALL_WORDS.items()}


def detected(text: str) -> str | None:
    """Return the language (ISO 639-1) of a text of at least 20 words, None when it is short or in doubt."""
    words = [word.casefold() for word in _WORD.findall(text[:4000])]
    if len(words) < _ENOUGH_WORDS:
        return None
    hits = sorted(
        ((sum(w in known for w in words), language) for language, known in _LANGUAGE_WORDS.items()), reverse=True
    )
    (most, language), (second, _) = hits[0], hits[1]
    return language if most > second and most >= _SURE * len(words) else None


def chosen(named: str | None, known: str | None, text: str, otherwise: str) -> str:
    return named or known or detected(text) or otherwise
