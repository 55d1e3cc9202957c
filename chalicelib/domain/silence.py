"""
When a customer says nothing to an answer.

| after the answer | one that asks something | one that asks nothing |
|---|---|---|
| 3 days | a reminder | |
| 6 days | a last notice | |
| 7 days | resolved, without a survey | resolved, without a survey |

Claims, returns, refunds and cancellations are never resolved by silence: the lead is told instead. Any word from the
customer cancels all of it.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain import system_mails
from chalicelib.domain.change import Act, Change, Outgoing, plain
from chalicelib.domain.escalations import escalation
from chalicelib.domain.moves import moved_to
from chalicelib.domain.storefront import Storefront
from chalicelib.domain.ticket import Customer, Status, SurveyState, Ticket
from chalicelib.frozen import frozen, replace

_ASKS = ("?", "\uff1f", "\u061f", "\u037e")  # the last three: full width, Arabic, Greek


class Step(StrEnum):
    REMINDER = "silence-reminder"
    NOTICE = "silence-notice"
    RESOLVE = "resolve"
    TELL_LEAD = "tell-lead"


@frozen
class Planned:
    """One step; without `after` the storefront leaves it out."""

    step: Step
    after: timedelta | None


def asks(body: str) -> bool:
    """Tell whether an answer asks something, as far as a question mark shows it."""
    return any(mark in body for mark in _ASKS)


def steps(ticket: Ticket, storefront: Storefront) -> tuple[Planned, ...]:
    """Return the three steps of silence on this ticket, in order: `silence_spoken` is a place in them."""
    policy, kind = storefront.silence, storefront.kind_policy(ticket.kind)
    mailed = ticket.awaits_reply and bool(ticket.customer.email)
    last = Step.RESOLVE if kind.resolved_by_silence else Step.TELL_LEAD
    return (
        Planned(Step.REMINDER, policy.reminder_after if mailed else None),
        Planned(Step.NOTICE, policy.notice_after if mailed else None),
        Planned(last, policy.resolve_after),
    )


def next_step(ticket: Ticket, storefront: Storefront) -> tuple[Step, datetime] | None:
    """Return what comes next and when; None when the ticket waits for nobody's word."""
    if ticket.status is not Status.PENDING or ticket.silence_since is None or ticket.snoozed_until:
        return None
    left = steps(ticket, storefront)[ticket.silence_spoken :]
    return next(((each.step, ticket.silence_since + each.after) for each in left if each.after is not None), None)


def broken_by(change: Change, customer: Customer | None, storefront: Storefront, act: Act) -> Change:
    """Take the step of silence that is due; a customer who wants no reminders gets the last notice only."""
    due = next_step(change.ticket, storefront)
    if due is None:
        return change
    step, _ = due
    places = [each.step for each in steps(change.ticket, storefront)]
    ticket = replace(change.ticket, silence_spoken=places.index(step) + 1)
    change = replace(change, ticket=ticket)
    match step:
        case Step.RESOLVE:
            return _resolved(change, storefront, act)
        case Step.TELL_LEAD:
            told = escalation(ticket, "event", "customer_silent", act, key=f"silent/{plain(ticket.silence_since)}")
            return change.sending(told).because(f"Not resolved by silence: a {ticket.kind.value} is closed by people.")
        case Step.REMINDER if customer and customer.opted_out:
            return change.because("No reminder: this customer wants no such messages.")
        case _:
            data = {"resolve_on": plain(_resolves_at(ticket, storefront)), "asked": ticket.last_answer}
            mail = Outgoing(act.new_id(), step.value, act.at, to=ticket.customer.email, data=data)
            spent = system_mails.spent(ticket, mail.to, act.at)
            if spent:
                return change.because(f"Not reminded: {spent}.")
            return system_mails.sending(change, mail).because(
                "Reminded: the customer has not answered our question yet."
            )


def _resolved(change: Change, storefront: Storefront, act: Act) -> Change:
    ticket = moved_to(change.ticket, Status.RESOLVED, storefront, act)
    if ticket.survey and ticket.survey.state is SurveyState.PLANNED:
        skipped = replace(ticket.survey, state=SurveyState.SKIPPED, reason="it was resolved by silence")
        ticket = replace(ticket, survey=skipped)
    ticket = replace(ticket, check_in=change.ticket.check_in)
    return replace(change, ticket=ticket).because("Resolved by silence: the customer did not write again.")


def _resolves_at(ticket: Ticket, storefront: Storefront) -> datetime | None:
    last = steps(ticket, storefront)[-1]
    if ticket.silence_since is None or last.after is None or last.step is not Step.RESOLVE:
        return None
    return ticket.silence_since + last.after
