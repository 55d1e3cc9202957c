"""
In which language a customer is answered.
"""

import pytest

from chalicelib.domain.language import chosen, detected

TEXTS = {
    "en": "Hello, I ordered a pair of shoes two weeks ago and they have not arrived. Where is my parcel, please? It was paid for on the first.",
    "es": "Hola, hice un pedido hace dos semanas y no ha llegado. Me gustaría saber cuando llega el paquete, porque es para un regalo. Gracias.",
    "pt": "Olá, fiz uma encomenda há duas semanas e ainda não chegou. Gostaria de saber quando chega, porque é para um presente. Muito obrigado.",
    "fr": "Bonjour, j'ai passé une commande il y a deux semaines et je ne l'ai pas reçue. Pouvez-vous me dire où est mon colis ? Merci pour votre aide.",
    "de": "Guten Tag, ich habe vor zwei Wochen ein Paar Schuhe bestellt und sie sind noch nicht angekommen. Wo ist mein Paket? Ich brauche es für eine Feier.",
    "it": "Buongiorno, ho fatto un ordine due settimane fa e non è ancora arrivato. Vorrei sapere quando arriva, perché è per un regalo. Grazie mille.",
}


@pytest.mark.parametrize("language", TEXTS)
def test_a_text_is_recognised(language):
    assert detected(TEXTS[language]) == language


@pytest.mark.parametrize("language", TEXTS)
def test_fewer_than_twenty_words_are_not_enough(language):
    assert detected(" ".join(TEXTS[language].split()[:15])) is None


@pytest.mark.parametrize("text", ["", "12 34 " * 40, "ORDER XK " * 40, "the el " * 40, "Привет " * 40])
def test_in_doubt_nothing_is_detected(text):
    assert detected(text) is None


@pytest.mark.parametrize(
    ("named", "known", "text", "otherwise", "language"),
    [
        ("fr", "de", TEXTS["es"], "en", "fr"),
        (None, "de", TEXTS["es"], "en", "de"),
        (None, None, TEXTS["es"], "en", "es"),
        (None, None, "Hola", "en", "en"),
    ],
)
def test_named_counts_most_then_known_then_detected_then_the_storefronts(named, known, text, otherwise, language):
    assert chosen(named, known, text, otherwise) == language
