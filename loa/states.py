"""The one table of job states.

The Lua scripts of the store make every move through this table (it is handed to them as JSON), and the diagram in docs/architecture.md is
generated from it. Terminal states have no row: a resubmission is a new job.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    QUEUED = "queued"  # accepted; nobody works on it
    PLANNING = "planning"  # a worker cuts the document into segments
    SPEAKING = "speaking"  # segments are ready or being spoken
    ASSEMBLING = "assembling"  # all segments are spoken; the audio file is being made
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


class Event(StrEnum):
    PLAN = "plan"  # a planner claimed it
    SPEAK = "speak"  # a speaker claimed its first segment
    PLANNED = "planned"  # the plan became current
    SPOKEN = "spoken"  # the last segment was recorded
    MISSING = "missing"  # an assembly found segments gone from the artifact store
    FINISH = "finish"  # the audio is published
    LOST = "lost"  # a worker died or its lease ended
    RETURN = "return"  # a worker handed its claim back
    FAIL = "fail"
    CANCEL = "cancel"


_ENDINGS = {Event.FAIL: State.FAILED, Event.CANCEL: State.CANCELED}

MOVES: dict[State, dict[Event, State]] = {
    State.QUEUED: {Event.PLAN: State.PLANNING, Event.SPEAK: State.SPEAKING} | _ENDINGS,
    State.PLANNING: {Event.PLANNED: State.SPEAKING, Event.LOST: State.QUEUED, Event.RETURN: State.QUEUED} | _ENDINGS,
    State.SPEAKING: {
        Event.SPEAK: State.SPEAKING,
        Event.SPOKEN: State.ASSEMBLING,
        Event.LOST: State.SPEAKING,
        Event.RETURN: State.SPEAKING,
    }
    | _ENDINGS,
    State.ASSEMBLING: {
        Event.FINISH: State.SUCCEEDED,
        Event.MISSING: State.SPEAKING,
        Event.LOST: State.ASSEMBLING,
        Event.RETURN: State.ASSEMBLING,
    }
    | _ENDINGS,
}

TERMINAL = frozenset(State) - frozenset(MOVES)
ACTIVE = frozenset(MOVES)


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    rows: dict[tuple[State, State], list[str]] = {}
    for state, moves in MOVES.items():
        for event, target in moves.items():
            rows.setdefault((state, target), []).append(event.value)
    lines = ["stateDiagram-v2", "    [*] --> queued"]
    lines += [f"    {source} --> {target}: {', '.join(events)}" for (source, target), events in rows.items()]
    lines += [f"    {state} --> [*]" for state in State if state in TERMINAL]
    return "\n".join(lines)
