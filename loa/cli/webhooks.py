"""Commands about webhooks."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import click

from loa.cli.output import json_option, note

if TYPE_CHECKING:
    from loa.settings import Settings
    from loa.webhooks.receiver import Received
    from loa.webhooks.signature import Secret

LISTEN_PORT = 8299  # beside the service's 8298


@click.group()
def webhooks() -> None:
    """Webhooks: the messages that tell other programs of a job's end."""


@webhooks.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=LISTEN_PORT, show_default=True, help="0: any free port.")
@click.option("--secret", "texts", multiple=True, metavar="whsec_…", help="What messages are signed with.")
@click.option("--status", type=click.IntRange(200, 599), default=204, show_default=True, help="The answer; 500 shows how Loa tries again.")
@json_option
def listen(host: str, port: int, texts: tuple[str, ...], status: int, as_json: bool) -> None:
    """Receive webhooks on this machine, verify them and show them, for development.

    The service needs LOA_WEBHOOK_ALLOW with the address that is shown, because it is not a public one. With --json, each message is one
    line on standard output. What is not signed by the secret is refused, and named on standard error. Ctrl-C stops it.

    Without --secret it is LOA_WEBHOOK_SECRETS, else what `loa webhooks secret` prints: the secret that the service keeps in Redis
    (LOA_REDIS_URL, or that of the `loa up` on LOA_DATA_DIR).
    """
    from loa.webhooks.receiver import Receiver

    with Receiver(host, port, _secrets(texts), print_message if as_json else print_event, status=status) as receiver:
        note(f"listening at {receiver.url}; the service reaches it with LOA_WEBHOOK_ALLOW={host}:{receiver.server_port}")
        receiver.serve_forever()


def _secrets(texts: tuple[str, ...]) -> tuple[Secret, ...]:
    """The secrets to verify with. Raises InvalidSetting, click.UsageError."""
    from loa.settings import Settings
    from loa.webhooks.signature import Secret, parse_secrets

    settings = Settings.load()
    return tuple(Secret.parse(text) for text in texts) or parse_secrets(settings.webhook_secrets) or _kept_secrets(settings)


def _kept_secrets(settings: Settings) -> tuple[Secret, ...]:
    """Those of the service, where its Redis can be found. Raises click.UsageError."""
    from loa.broker import with_redis
    from loa.errors import InvalidSetting, StoreUnavailable
    from loa.store import Store

    try:
        found = Store.for_thread(with_redis(settings)).deliveries.signing_secrets()
    except (InvalidSetting, StoreUnavailable) as error:
        remedy = "Give --secret whsec_…, or set LOA_WEBHOOK_SECRETS"
        raise click.UsageError(f"which secret are the messages signed with? {remedy} ({error.message})") from None
    note("messages are verified with the secret that the service keeps in Redis")
    return found


def print_event(received: Received) -> None:
    """A message for a person: when, what, and its content."""
    if _refused(received):
        return
    again = click.style("  again", fg="yellow") if received.repeated else ""
    click.echo(f"{time.strftime('%H:%M:%S')}  {click.style(received.type, bold=True)}  {received.id}{again}  answered {received.status}")
    click.echo(json.dumps(received.content, ensure_ascii=False, indent=2))


def print_message(received: Received) -> None:
    """A message for a program: one line of JSON."""
    if not _refused(received):
        click.echo(json.dumps({"id": received.id, "repeated": received.repeated, "message": received.content}, ensure_ascii=False))


def _refused(received: Received) -> bool:
    if received.refusal is None:
        return False
    note(f"{click.style('refused:', fg='red')} {received.refusal}")
    return True
