"""
Automatic mails on one ticket to one address: 10 in 10 min, 15 in 30, 25 in 60, 50 in 180, 100 in 600.

Whatever goes wrong with timers or with a mailbox that answers, nobody gets more. The ticket carries the times, so they are
counted in the write that wants the mail sent.
"""

from datetime import datetime, timedelta

from chalicelib.domain.budgets import whole
from chalicelib.domain.change import Change, Outgoing
from chalicelib.domain.ticket import Ticket
from chalicelib.frozen import replace

_MOST_IN_MINUTES = ((10, 10), (15, 30), (25, 60), (50, 180), (100, 600))
_LONGEST = timedelta(minutes=600)


def spent(ticket: Ticket, address: str, at: datetime) -> str | None:
    """Return why no further system mail goes to *address* on a ticket; None when one may go."""
    sent = ticket.system_mails.get(address.casefold(), ())
    for most, minutes in _MOST_IN_MINUTES:
        if sum(abs(at - each) < timedelta(minutes=minutes) for each in sent) >= most:
            return f"{most} system mails went to this address on this ticket in {minutes} minutes"
    return None


def sending(change: Change, mail: Outgoing) -> Change:
    """Send a system mail with *change*, and count it on the ticket. Whether it may go was asked of `spent`."""
    ticket, at = change.ticket, whole(change.act.at)
    lately = {to: tuple(s for s in sent if abs(at - s) < _LONGEST) for to, sent in ticket.system_mails.items()}
    to = mail.to.casefold()
    counted = {**lately, to: (*lately.get(to, ()), at)}
    kept = {address: sent for address, sent in counted.items() if sent}
    return replace(change, ticket=replace(ticket, system_mails=kept)).sending(mail)
