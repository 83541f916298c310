"""The one table of delivery states; the scripts of the store make every move through it, as they do with a job's (loa/states.py)."""

from __future__ import annotations

from enum import StrEnum


class DeliveryState(StrEnum):
    PENDING = "pending"  # an attempt is due now or later
    DELIVERED = "delivered"  # the receiver answered 2xx
    DEAD = "dead"  # given up: the dead-letter list


class DeliveryEvent(StrEnum):
    ACCEPT = "accept"  # the receiver took it
    RETRY = "retry"  # the receiver did not, and there is a next time
    GIVE_UP = "give_up"  # there is none, see Reason
    REPLAY = "replay"  # somebody wants it sent again


class Reason(StrEnum):
    """Why a delivery is dead."""

    EXHAUSTED = "exhausted"  # every attempt of the schedule failed
    GONE = "gone"  # the receiver answered 410, which disables its endpoint
    FAILING = "failing"  # the endpoint took nothing for so long that it was disabled
    DISABLED = "endpoint_disabled"  # the endpoint was disabled before this could be delivered
    TEST_FAILED = "test_failed"  # a test has one attempt
    JOB_FORGOTTEN = "job_forgotten"  # the job's record was gone before this could be delivered


class Pace(StrEnum):
    """How an endpoint answered the last time; those of one pace wait for each other, and for nobody else."""

    PROMPT = "prompt"  # within PROMPT_SECONDS, whatever it said
    NEW = "new"  # it was never asked
    SLOW = "slow"  # later, or not at all


PROMPT_SECONDS = 1.0  # an attempt that took longer was not prompt

DELIVERY_MOVES: dict[DeliveryState, dict[DeliveryEvent, DeliveryState]] = {
    DeliveryState.PENDING: {
        DeliveryEvent.ACCEPT: DeliveryState.DELIVERED,
        DeliveryEvent.RETRY: DeliveryState.PENDING,
        DeliveryEvent.GIVE_UP: DeliveryState.DEAD,
        DeliveryEvent.REPLAY: DeliveryState.PENDING,
    },
    DeliveryState.DELIVERED: {DeliveryEvent.REPLAY: DeliveryState.PENDING},
    DeliveryState.DEAD: {DeliveryEvent.REPLAY: DeliveryState.PENDING},
}
