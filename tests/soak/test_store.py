"""
The store answers as moto does: the same journey, on both, through botocore's hooks and through light clients, leaves the
same rows, mails, words and files.
"""

import email
import itertools
import json
from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

import pytest

from chalicelib.adapters import aws, keys, rows
from chalicelib.adapters.rows import Row
from chalicelib.config import config
from chalicelib.domain.lifecycle import Reply
from chalicelib.domain.opening import Intake
from chalicelib.domain.settings import storefront_from
from chalicelib.domain.storefront import Kind
from chalicelib.domain.ticket import Author, Channel, Person, Role
from chalicelib.usecases import due, feedback, house, listing, sending, tickets
from chalicelib.usecases.listing import Asked
from chalicelib.usecases.tickets import Once
from chalicelib.usecases.uploads import Uploads
from chalicelib.wiring import joined
from tests.faults.lab import LAB
from tests.faults.sky import Stored
from tests.soak.fronts import FRONTS, MADRID
from tests.soak.play import _unrendered
from tests.soak.store import Indexed, Store
from tests.soak.weather import lighten
from tests.world import AGENT, START, World, _forget, running, ses_event

CUSTOMER = Author(Role.CUSTOMER, "Eva", "eva@customer.test")


def journey(desk, world, sent_raw, take):
    """Live through a bit of everything, and return what was answered on the way."""
    answers = []
    intake = Intake(Person("eva@customer.test", "Eva"), "Parcel", "Where is it?", Channel.API, "en", kind=Kind.REPAIR)
    once = Once("API#k", "a", "a")
    for _ in range(2):
        ticket = tickets.open_ticket(desk, "madrid", intake, Uploads("madrid"), by=CUSTOMER, once=once)
        answers.append(ticket.reference)
    other = tickets.open_ticket(desk, "madrid", intake, Uploads("madrid"), by=CUSTOMER, once=None)
    send(desk, take, [ticket.reference, other.reference])
    for raw in sent_raw():
        for kind in ("Send", "Delivery"):
            feedback.take_in(desk, ses_event(kind, raw))
    tickets.reply(desk, ticket.reference, Reply("Which colour?"), Uploads("agents"), by=AGENT, once=None)
    tickets.resolve(desk, other.reference, by=AGENT, if_match=None)
    desk.table.suppress("eva@customer.test", START, "no reason")
    desk.table.opt_out("eva@customer.test")
    for hours in (9, 40, 80, 200):
        due.sweep(desk, world.now + timedelta(hours=hours))
        for order in take("due"):
            due.work(desk, order)
        send(desk, take, [ticket.reference, other.reference])
    for view in ("waiting", "pending", "unassigned", "all"):
        for limit in (1, 50):
            page = listing.page(desk, Asked(view), storefront="madrid", mine=None, cursor=None, limit=limit)
            answers += [view, limit, [t.reference for t in page.tickets], page.next_cursor]
    answers += [m.text for m in tickets.newest_messages(desk, ticket.reference, 2)]
    answers += [len(tickets.events(desk, ticket.reference, after=None, limit=50))]
    return answers


def send(desk, take, references):
    for reference in references:
        for unsent in desk.outbox.of_ticket(reference):
            sending.send_out(desk, reference, unsent.outgoing.id)
    take("outbox")


def counted(desk):
    ids, digits = itertools.count(1), itertools.cycle("0123456789ABC")
    return replace(desk, new_id=(new_id := lambda: f"{next(ids):026d}"), choose=lambda _: next(digits),
                   outbox=replace(desk.outbox, new_id=new_id))  # fmt: skip


def seen(answers, stored, raws, words):
    """Leave out what differs by its nature: the ids that SES gives, and so the keys made of them."""
    told = [row for row in stored if not row["pk"].startswith(("MAIL#", "KEY"))]
    mails = sorted(str(email.message_from_bytes(raw)["Subject"]) for raw in raws)
    return {"answers": answers, "rows": told, "mails": mails, "words": sorted(words)}


def on_moto():
    with running() as world, patch("chalicelib.adapters.templates.mail", _unrendered):
        aws.client("ses").verify_domain_identity(Domain="madrid.test")
        desk = counted(world.desk)
        house.put_storefront(desk, storefront_from(MADRID))
        answers = journey(desk, world, world.sent_raw, world.drain)
        fronts = ("DEMO", "demo", "other")
        stored = [r for r in world.rows() if not any(name in r["pk"] + r["sk"] for name in fronts)]
        return seen(answers, stored, world.sent_raw(), [json.dumps(word) for word in world.escalations()])


def on_store(*, light):
    _forget()
    store = LAB.sky = Store()
    try:
        from chalicelib.adapters import settings

        if light:
            lighten()
        world = World()
        settings.ensure_signing_keys(config().settings_table)
        desk = counted(joined(config(), lambda: world.now))
        with patch("chalicelib.adapters.templates.mail", _unrendered):
            house.put_storefront(desk, storefront_from(MADRID))

            def take(queue):
                return [json.loads(message["body"]) for message in store.take(queue)]

            answers = journey(desk, world, lambda: [raw for raw, _ in store.mails], take)
        return seen(answers, store.rows(), [raw for raw, _ in store.mails], store.words)
    finally:
        LAB.sky = None
        _forget()


@pytest.fixture(scope="module")
def reference():
    return on_moto()


@pytest.mark.parametrize("light", [False, True], ids=["through botocore", "light"])
def test_the_store_answers_as_moto_does(reference, light):
    found = on_store(light=light)
    for part, wanted in reference.items():
        if part == "rows":
            assert [{k: str(v) for k, v in row.items()} for row in found[part]] == [
                {k: str(v) for k, v in row.items()} for row in wanted
            ]
        else:
            assert found[part] == wanted, part


def test_an_index_is_what_a_scan_would_find():
    """Writes, rewrites and removals in any order keep each partition sorted."""
    from random import Random

    chance, table = Random(1), Indexed()
    for _ in range(2000):
        key = (f"p{chance.randrange(9)}", f"s{chance.randrange(9)}")
        if chance.random() < 0.3:
            table.pop(key, None)
            continue
        item = {"pk": {"S": key[0]}, "sk": {"S": key[1]}}
        if chance.random() < 0.7:
            item |= {"due_pk": {"S": f"d{chance.randrange(3)}"}, "due_sk": {"S": f"{chance.randrange(50):02d}"}}
        table[key] = item
    for partition in ("d0", "d1", "d2"):
        wanted = sorted((i["due_sk"]["S"], k) for k, i in table.items() if i.get("due_pk", {}).get("S") == partition)
        assert table.partition("due", partition) == wanted
    for partition in {pk for pk, _ in table}:
        assert [sk for sk, _ in table.partition("", partition)] == sorted(sk for pk, sk in table if pk == partition)


@pytest.mark.parametrize(
    ("low", "high", "newest", "limit", "found"),
    [
        (None, None, False, 9, "abcd"),
        (None, None, True, 2, "dc"),
        (None, "b", False, 9, "ab"),
        ("b", None, False, 9, "cd"),
        ("c", None, True, 9, "ba"),
        ("a", "c", False, 9, "bc"),
        (None, None, False, 1, "a"),
    ],
)
def test_a_page_of_an_index_ends_where_it_should(low, high, newest, limit, found):
    _forget()
    store = LAB.sky = Store()
    try:
        for letter in "cadb":
            Row("T", letter, due_pk="D", due_sk=letter).save()
        page = rows.page("by_due_time", "D", after=low, until=high, limit=limit, newest_first=newest)
        assert "".join(row.sk for row in page) == found
        assert store.tables["careline"].first("due", "D") == "a"
        assert keys.FEEDBACK not in store.tables["careline"]
        store.store("b", "k", Stored(b""))
    finally:
        LAB.sky = None
        _forget()


def test_the_fronts_are_what_a_shopkeeper_may_write():
    assert {storefront_from(front).id for front in FRONTS.values()} == {"hudson", "madrid", "tokyo"}
