"""
Telling agents what concerns them. Their own mails, which bring a reader of mail with them, are in usecases/agents.py.
"""

from chalicelib.domain import agents
from chalicelib.domain.change import Change
from chalicelib.wiring import Desk


def notified(desk: Desk, change: Change) -> Change:
    """Have the agents told whom a change concerns."""
    return agents.told(change, desk.house.agents()) if agents.may_tell(change) else change
