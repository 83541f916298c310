"""Commands about webhooks on their way: deliveries, deliveries show, deliveries replay; webhooks test, webhooks secret."""

from __future__ import annotations

from typing import Any

import click

from loa.cli.output import json_option, note, print_facts, print_json, print_table, seconds
from loa.errors import WebhookNotTaken
from loa.webhooks.states import DeliveryState


@click.group(invoke_without_command=True)
@click.option("--job", metavar="ID", help="Only those of this job.")
@click.option("--state", type=click.Choice([state.value for state in DeliveryState]), help="Only those in this state.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most this many.")
@json_option
@click.pass_context
def deliveries(ctx: click.Context, job: str | None, state: str | None, limit: int, as_json: bool) -> None:
    """List webhooks that were or will be delivered, newest first.

    Those that were given up are `--state dead`.
    """
    if ctx.invoked_subcommand is not None:
        return
    from loa.client import Client

    found = list(Client().deliveries(job=job, state=state, limit=limit))
    if as_json:
        print_json(found)
        return
    if not found:
        note("no deliveries" if state is None else f"no deliveries that are {state}")
        return
    print_table(("id", "event", "job", "state", "attempts", "answer", "next attempt", "endpoint"), [_row(one) for one in found])
    for url, reason in {one["endpoint"]["url"]: one["endpoint"]["reason"] for one in found if one["endpoint"]["disabled"]}.items():
        note(f"{url} is disabled ({reason}): a replay, or `loa webhooks test URL` when it succeeds, enables it")


@deliveries.command("show")
@click.argument("delivery_id", metavar="ID")
@json_option
def show_delivery(delivery_id: str, as_json: bool) -> None:
    """Show a delivery with its last attempts, and what each was answered."""
    from loa.client import Client

    show(Client().delivery(delivery_id), as_json)


@deliveries.command("replay")
@click.argument("delivery_id", metavar="ID")
@json_option
def replay_delivery(delivery_id: str, as_json: bool) -> None:
    """Send a delivery again, whatever became of it; its endpoint is enabled.

    Receivers know it by its webhook-id, which stays the same.
    """
    from loa.client import Client

    delivery = Client().replay(delivery_id)
    print_json(delivery) if as_json else click.echo(f"{delivery['id']} is {delivery['state']}")


@click.command("test")
@click.argument("url")
@click.option("--timeout", type=click.FloatRange(min=0), default=30.0, show_default=True, metavar="SECONDS", help="Wait this long for it.")
@json_option
def test_endpoint(url: str, timeout: float, as_json: bool) -> None:
    """Have the server send a signed test event to URL, and show what it was answered.

    Exit code 1 if URL did not take it.
    """
    from loa.client import Client

    delivery = Client().test_webhook(url, timeout=timeout)
    show(delivery, as_json)
    if delivery["state"] != DeliveryState.DELIVERED:
        (last,) = delivery["attempts"][-1:]
        raise WebhookNotTaken(f"{delivery['endpoint']['url']} did not take the test: {last['error']}")


@click.command("secret")
def show_secret() -> None:
    """Print the secret that receivers verify webhooks with.

    It is the first of LOA_WEBHOOK_SECRETS, else the one that the service made for itself and keeps in Redis (LOA_REDIS_URL, or that of the
    `loa up` on LOA_DATA_DIR).
    """
    from loa.broker import with_redis
    from loa.settings import Settings
    from loa.store import Store

    settings = Settings.load()
    if not settings.webhook_secrets:
        settings = with_redis(settings)
    click.echo(Store.for_thread(settings).deliveries.signing_secrets()[0].text)


def show(delivery: dict[str, Any], as_json: bool) -> None:
    """The delivery as JSON, or what a person wants to know of it."""
    if as_json:
        print_json(delivery)
        return
    endpoint = delivery["endpoint"]
    print_facts(
        {
            "id": delivery["id"],
            "event": delivery["event"],
            "webhook-id": delivery["webhook_id"],
            "job": delivery["job"],
            "state": delivery["state"],
            "reason": delivery["reason"],
            "endpoint": endpoint["url"],
            "disabled": f"{endpoint['disabled_at']} ({endpoint['reason']})" if endpoint["disabled"] else None,
            "failing since": endpoint["failing_since"],
            "created": delivery["created_at"],
            "next attempt": delivery["next_attempt_at"],
            "attempts": delivery["attempts_total"],
        }
    )
    if delivery["attempts"]:
        click.echo()
        rows = [(one["at"], one["status"], seconds(one["latency_seconds"]), one["error"], one["answer"]) for one in delivery["attempts"]]
        print_table(("attempt", "status", "took", "error", "answer"), rows)


def _row(delivery: dict[str, Any]) -> tuple[Any, ...]:
    last = delivery["attempts"][-1] if delivery["attempts"] else {"status": None, "error": None}
    state = f"{delivery['state']} ({delivery['reason']})" if delivery["reason"] else delivery["state"]
    return (
        *(delivery["id"], delivery["event"], delivery["job"], state, delivery["attempts_total"]),
        *(last["status"] or last["error"], delivery["next_attempt_at"], delivery["endpoint"]["url"]),
    )
