"""
Agents by mail: they are told what concerns them, and may answer by mail what is surely theirs.
"""

from chalicelib.domain import agents, lifecycle
from chalicelib.domain.agents import Agent, Trouble
from chalicelib.domain.arrivals import Lead, Verdict, Verdicts, Way
from chalicelib.domain.change import Act, Change, Outgoing, Receipt
from chalicelib.domain.errors import IllegalMove
from chalicelib.domain.lifecycle import Reply
from chalicelib.domain.ticket import Author, Message, Role, Ticket
from chalicelib.frozen import replace
from chalicelib.mail.reader import Mail
from chalicelib.wiring import Desk


def author(agent: Agent) -> Author:
    return Author(Role.AGENT, agent.name, agent.address)


def proven(desk: Desk, mail: Mail, verdicts: Verdicts) -> Agent | None:
    """
    Return the agent who surely wrote a mail, None for anybody and anything else.

    His registered address stands alone in From, its domain vouches for the mail (DMARC PASS, and nothing less), no
    machine wrote it, and it carries no virus.
    """
    by_machine = mail.automatic or mail.bounce or mail.complaint or mail.error
    sure = verdicts.dmarc is Verdict.PASS and verdicts.virus is not Verdict.FAIL and not by_machine
    if not sure or mail.sender is None or mail.senders != (mail.sender,):
        return None
    return desk.house.agents().get(mail.sender.address.casefold())


def spoken(desk: Desk, errand: Lead, ticket: Ticket, message: Message, act: Act) -> Change:
    """
    Return what an agent's mail changes on its ticket: it answers the customer, or it is a note.

    What cannot be an answer is kept as a note, and the agent is told so.
    """
    storefront = desk.house.storefront(ticket.storefront)
    words = agents.words_of(message.text)
    trouble = None if errand.way is Way.NOTE else agents.trouble(words, desk.keys())
    if errand.way is Way.AGENT and trouble is None:
        try:
            answer = lifecycle.reply(ticket, Reply(words, files=message.files), storefront, act)
        except IllegalMove:
            trouble = Trouble.CLOSED
        else:
            (said,) = answer.messages
            bare = replace(message, quoted_text="", full_text=None, html_key=None, subject=said.subject)
            return _as_mailed(answer, replace(bare, text=said.text, delivery=said.delivery))
    noted = lifecycle.reply(ticket, Reply(message.text, internal=True), storefront, act)
    if trouble is None:
        return _as_mailed(noted, replace(message, internal=True))
    kept = replace(message, internal=True, note=f"Kept as a note, and not sent: {_WHY[trouble]}.")
    return _told_of(_as_mailed(noted, kept), act.by, trouble)


def refused(desk: Desk, change: Change, agent: Agent) -> Change:
    """Tell an agent that his mail was no answer: once a day at most, since he may have a machine that answers for him."""
    if desk.table.receipt("refusal", agent.address):
        return change.because(f"{agent.address} was told before, within a day, how to answer by mail.")
    told = _told_of(change, author(agent), Trouble.NO_ADDRESS)
    return replace(told, limit=Receipt("refusal", agent.address))


_WHY = {
    Trouble.CLOSED: "the ticket takes no more answers",
    Trouble.EMPTY: "it holds no words of its own",
    Trouble.QUOTES: "it quotes what only agents see",
    Trouble.NO_ORIGINAL: "it begins with @fwd, and nobody is named in it who wrote it first",
    Trouble.NO_ADDRESS: "it was not sent to the address of a notification to him",
}


def _told_of(change: Change, agent: Author, trouble: Trouble) -> Change:
    data = {"trouble": trouble.value, "name": agent.name}
    mail = Outgoing(change.act.new_id(), agents.REFUSAL, change.act.at, to=agent.email, data=data)
    return change.sending(mail).because(f"Told {agent.email} that it was no answer: {_WHY[trouble]}.")


def _as_mailed(change: Change, message: Message) -> Change:
    """Give a change the message as it came by mail, in the place of the one that was made for it."""
    (made,) = change.messages
    return replace(
        change, messages=(replace(message, id=made.id),), mail_ids=(message.mail_id,) if message.mail_id else ()
    )
