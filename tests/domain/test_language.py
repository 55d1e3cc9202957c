"""
In which language a customer is answered.
"""

import json
import re
from pathlib import Path

import pytest

from chalicelib.domain.language import chosen, detected
from chalicelib.domain.storefront import Storefront
from chalicelib.domain.ticket import Customer

STRINGS = Path(__file__).parents[2] / "templates" / "strings"

TEXTS = {
    "en": "Hello, I ordered a pair of shoes two weeks ago and they have not arrived. Where is my parcel, please? It was paid for on the first.",
    "es": "Hola, hice un pedido hace dos semanas y no ha llegado. Me gustaría saber cuando llega el paquete, porque es para un regalo. Gracias.",
    "pt": "Olá, fiz uma encomenda há duas semanas e ainda não chegou. Gostaria de saber quando chega, porque é para um presente. Muito obrigado.",
    "fr": "Bonjour, j'ai passé une commande il y a deux semaines et je ne l'ai pas reçue. Pouvez-vous me dire où est mon colis ? Merci pour votre aide.",
    "de": "Guten Tag, ich habe vor zwei Wochen ein Paar Schuhe bestellt und sie sind noch nicht angekommen. Wo ist mein Paket? Ich brauche es für eine Feier.",
    "it": "Buongiorno, ho fatto un ordine due settimane fa e non è ancora arrivato. Vorrei sapere quando arriva, perché è per un regalo. Grazie mille.",
}

# What customers write in a hurry: few words, and none of courtesy.
HURRIED = {
    "pt": [
        "Bom dia, comprei um candeeiro na vossa loja na semana passada e o vidro chegou partido. Podem enviar outro, por favor? Envio a fotografia em anexo.",
        "Boa tarde, gostaria de devolver os sapatos que comprei porque o tamanho não serve. Como devo fazer para receber o dinheiro de volta?",
        "Olá, paguei a encomenda duas vezes por engano e preciso que me devolvam um dos pagamentos. Em anexo seguem os dois comprovativos do banco.",
        "Fiz o pedido no dia 3 e até agora nada. O rastreio diz que saiu para entrega ontem, mas ninguém veio a minha casa. Alguém me pode ajudar?",
    ],
    "fr": [
        "Bonjour, j'ai reçu ma commande hier mais il manque un article dans le colis. Pourriez-vous me l'envoyer rapidement ? Merci d'avance.",
        "Madame, Monsieur, je souhaite retourner la veste achetée la semaine dernière car la taille ne convient pas. Quelle est la procédure à suivre ?",
        "Cela fait trois fois que je vous écris sans réponse. Ma machine est en panne depuis un mois et personne ne s'en occupe. C'est inadmissible.",
        "Salut, est-ce que vous livrez en Belgique ? Si oui, combien ça coûte et en combien de jours ? Je voudrais deux lampes pour Noël.",
    ],
    "de": [
        "Hallo, leider ist bei meiner Bestellung eine Tasse zerbrochen angekommen. Könnten Sie mir bitte Ersatz schicken? Ein Foto liegt im Anhang. Viele Grüße",
        "Ich möchte die Jacke zurückgeben, weil die Größe nicht passt. Wie bekomme ich ein Etikett für die Rücksendung, und wann kommt das Geld zurück?",
        "Die Rechnung stimmt nicht, der Gutschein über zehn Euro wurde vergessen. Könnt ihr das korrigieren und mir eine neue Rechnung schicken? Danke euch!",
        "Seit drei Wochen warte ich auf meine Lieferung. Laut Sendungsverfolgung wurde das Paket zugestellt, aber bei mir ist nichts angekommen. Was nun?",
    ],
    "it": [
        "Salve, ho ricevuto il pacco ieri ma il vaso era rotto. Potete mandarmene un altro o rimborsarmi? Allego la foto. Cordiali saluti",
        "Buonasera, vorrei restituire le scarpe perché la taglia non va bene. Come devo fare e quanto tempo ci vuole per il rimborso?",
        "È la terza volta che scrivo e nessuno mi risponde. La lavatrice è ferma da un mese, voglio parlare con un responsabile.",
        "Spedite anche in Sicilia? Se sì, quanto costa la spedizione e in quanti giorni arriva? Mi servirebbero due lampade prima di Natale.",
    ],
    "es": [
        "Buenos días, compré unos zapatos y me quedan pequeños. Quiero devolverlos y que me devuelvan el dinero. ¿Qué tengo que hacer?",
        "He pagado dos veces el mismo pedido por error. ¿Pueden devolverme uno de los pagos? Adjunto los dos recibos del banco.",
        "La lámpara ha llegado rota, les envío una foto. ¿Me mandan otra o me devuelven el dinero? Es un regalo y lo necesito para el viernes.",
    ],
    "en": [
        "Hi, I got the wrong size and would like to send them back. How do I get a label, and when do I see my money?",
        "Third time I write to you about this broken washing machine. Nobody answers, nobody comes. I want to speak to your manager today.",
        "Do you ship to Canada? If so, how much does it cost and how long does it take? I would need two lamps before Christmas.",
        "My password doesn't work anymore and the reset link never arrives. I checked my spam folder already, nothing there either. Help!",
    ],
}

# A language in which nobody is answered yet.
OTHERS = [
    "Hallo, ik heb vorige week een lamp besteld en die is kapot aangekomen. Kunt u mij een nieuwe sturen? Ik stuur een foto mee. Met vriendelijke groet",
    "Hej, jag beställde en lampa förra veckan och den har kommit sönder. Kan ni skicka en ny till mig? Jag bifogar en bild av den. Med vänlig hälsning",
    "Dzień dobry, w zeszłym tygodniu zamówiłam lampę i przyszła uszkodzona. Czy mogą państwo wysłać nową? W załączniku przesyłam zdjęcie. Pozdrawiam serdecznie z Warszawy",
    "Bon dia, vaig comprar un llum la setmana passada i ha arribat trencat. Me'n podeu enviar un altre? Us envio una foto. Moltes gràcies per la vostra ajuda",
    "Hei, jeg bestilte en lampe forrige uke og den kom ødelagt frem. Kan dere sende en ny til meg? Jeg legger ved et bilde. Med vennlig hilsen",
    "Buna ziua, am comandat o lampa saptamana trecuta si a ajuns sparta. Puteti sa imi trimiteti alta? Va trimit o poza. Va multumesc pentru ajutor",
]


def sentences(language):
    nodes = [json.loads((STRINGS / f"{language}.json").read_text("utf-8"))]
    while nodes:
        node = nodes.pop()
        if isinstance(node, str):
            if node.count(" ") > 3 and "{" not in node:
                yield re.sub(r"%\(\w+\)s", "", node)
        else:
            nodes += node.values() if isinstance(node, dict) else node


@pytest.mark.parametrize("language", TEXTS)
def test_a_text_is_recognised(language):
    assert [detected(text) for text in (TEXTS[language], *HURRIED[language])] == [language] * (
        1 + len(HURRIED[language])
    )


@pytest.mark.parametrize("language", TEXTS)
def test_twenty_words_of_ours_are_recognised_nearly_always_and_hardly_ever_mistaken(language):
    """Each twenty words in a row of the pages, wherever they begin."""
    words = re.findall(r"[^\W\d_]+", " ".join(sentences(language)))
    found = [detected(" ".join(words[begin : begin + 20])) for begin in range(len(words) - 19)]
    assert len(found) > 500
    assert found.count(language) >= 0.95 * len(found)
    assert len(found) - found.count(language) - found.count(None) <= 0.02 * len(found)


@pytest.mark.parametrize("text", OTHERS)
def test_another_language_is_not_taken_for_one_of_ours(text):
    assert detected(text) is None


@pytest.mark.parametrize("language", TEXTS)
def test_fewer_than_twenty_words_are_not_enough(language):
    assert detected(" ".join(TEXTS[language].split()[:15])) is None


@pytest.mark.parametrize("text", ["", "12 34 " * 40, "ORDER XK " * 40, "the el " * 40, "Привет " * 40])
def test_in_doubt_nothing_is_detected(text):
    assert detected(text) is None


def storefront(language, *languages):
    return Storefront("shop", "Shop", ("help@shop.test",), language=language, languages=languages)


def customer(language):
    return Customer("eva@customer.test", language=language) if language else None


@pytest.mark.parametrize(
    ("named", "known", "text", "otherwise", "language"),
    [
        ("fr", "de", TEXTS["es"], "en", "fr"),
        ("", "de", TEXTS["es"], "en", "de"),
        ("", None, TEXTS["es"], "en", "es"),
        ("", None, "Hola", "en", "en"),
    ],
)
def test_named_counts_most_then_known_then_detected_then_the_storefronts(named, known, text, otherwise, language):
    assert chosen(named, customer(known), text, storefront(otherwise)) == language


@pytest.mark.parametrize(
    ("named", "known", "text", "language"),
    [
        ("fr", None, TEXTS["en"], "fr"),
        ("", "fr", TEXTS["en"], "en"),
        ("", "fr", TEXTS["de"], "es"),
        ("", "en", TEXTS["de"], "en"),
        ("", "es", TEXTS["en"], "es"),
        ("", None, TEXTS["en"], "en"),
        ("", None, TEXTS["es"], "es"),
        ("", None, TEXTS["de"], "es"),
    ],
)
def test_a_language_that_the_storefront_does_not_speak_counts_only_where_it_is_named(named, known, text, language):
    assert chosen(named, customer(known), text, storefront("es", "en")) == language
