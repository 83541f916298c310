"""Reads what a client sent into the core's values: query, JSON, multipart form. What cannot be read is an error that names the field."""

from __future__ import annotations

import json
import re
from typing import IO, Any, NoReturn, TypeVar

import flask
from flask import Request
from pydantic import BaseModel, ValidationError

from api.contract import FORM, JSON
from api.schemas import IDEMPOTENCY_KEY, JobForm, JobRequest, VoiceForm
from loa.errors import BodyTooLarge, InvalidRequest, MalformedJson, TextTooLong, UnsupportedMediaType
from loa.settings import Settings
from loa.submission import Submission, Upload, most_bytes
from loa.voice_desk import MOST_BYTES, NewVoice
from loa.webhooks.endpoints import Webhook

MOST_BYTES_A_CHARACTER = 12  # an emoji as JSON in ASCII: \ud83d\ude00
FRAME_BYTES = 1_000_000  # of a JSON body around its `input`, of a form around its file
JSON_VALUES = 20_000  # of a JSON body: a metadata of 16 kB has fewer; `[{},{},…` of 13 MB would take 600 MB
COMMERCIAL_USE = {"true": True, "false": False, "unknown": None}

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[^\s"]++', re.DOTALL)

Model = TypeVar("Model", bound=BaseModel)


class UploadRequest(Request):
    """A request whose uploads are closed with it, also those of a form that ended half-way.

    Werkzeug keeps an upload of up to 500 kB in memory, a larger one in a temporary file without a name (see bodies.py for where).
    """

    def __init__(self, environ: dict[str, Any], *arguments: Any, **options: Any) -> None:
        super().__init__(environ, *arguments, **options)
        self._streams: list[IO[bytes]] = []

    def _get_file_stream(self, *arguments: Any, **options: Any) -> IO[bytes]:
        stream = super()._get_file_stream(*arguments, **options)
        self._streams.append(stream)
        return stream

    def close(self) -> None:
        super().close()
        for stream in self._streams:
            stream.close()


def hung_up() -> bool:
    """Whether the client of the current request is gone, where the server can tell."""
    told = flask.request.environ.get("waitress.client_disconnected")
    return told is not None and bool(told())


def longest_body(settings: Settings) -> int:
    """Bytes that any call takes at most."""
    return min(settings.body_limit, max(_json_limit(settings), _form_limit(settings), MOST_BYTES + FRAME_BYTES))


def _json_limit(settings: Settings) -> int:
    return MOST_BYTES_A_CHARACTER * settings.text_limit + FRAME_BYTES


def _form_limit(settings: Settings) -> int:
    return most_bytes(settings) + FRAME_BYTES


def read_query(request: Request, model: type[Model]) -> Model:
    """The query as `model`; of a parameter that is given twice the last one counts. Raises InvalidRequest."""
    return _validated(model, {name: values[-1] for name, values in request.args.lists()})


def read_json(request: Request, model: type[Model]) -> Model:
    """A small JSON body as `model`. Raises UnsupportedMediaType, BodyTooLarge, MalformedJson, InvalidRequest."""
    if request.mimetype != JSON:
        raise _unsupported(request, JSON)
    if (request.content_length or 0) > FRAME_BYTES:
        raise BodyTooLarge(f"the body has {request.content_length:,} bytes; the limit is {FRAME_BYTES:,}", limit=FRAME_BYTES)
    return _validated(model, parse_json(request.get_data(cache=False)))


def read_submission(request: Request, settings: Settings) -> Submission:
    """The body of POST /v1/jobs. Raises UnsupportedMediaType, MalformedJson, InvalidRequest, TextTooLong, BodyTooLarge."""
    if request.mimetype == JSON:
        return _read_json(request, settings)
    if request.mimetype == FORM:
        return _read_form(request, settings)
    raise _unsupported(request, f"{JSON} or {FORM}")


def read_new_voice(request: Request, settings: Settings) -> NewVoice:
    """The body of POST /v1/voices. Raises UnsupportedMediaType, InvalidRequest, BodyTooLarge, the last before anything is parsed."""
    if request.mimetype != FORM:
        raise _unsupported(request, FORM)
    limit = min(MOST_BYTES + FRAME_BYTES, settings.body_limit)
    fields = _validated(VoiceForm, _form(request, limit))
    return NewVoice(
        recording=fields.file.read(),
        title=fields.title or "",
        commercial_use=COMMERCIAL_USE[fields.commercial_use],
        **{name: getattr(fields, name) for name in ("name", "language", "licence", "consent", "engine")},
    )


def read_idempotency_key(request: Request) -> str | None:
    """The Idempotency-Key header, if any. Raises InvalidRequest."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not IDEMPOTENCY_KEY.fullmatch(key):
        raise InvalidRequest(
            "Idempotency-Key takes 1 to 255 letters, digits and marks of ASCII, with blanks between them", field="Idempotency-Key"
        )
    return key


def _read_json(request: Request, settings: Settings) -> Submission:
    limit = _json_limit(settings)
    if (request.content_length or 0) > limit:
        raise TextTooLong(
            f"the JSON body has {request.content_length:,} bytes; an `input` of {settings.text_limit:,} characters fits into {limit:,}",
            limit=settings.text_limit,
        )
    fields = _validated(JobRequest, parse_json(request.get_data(cache=False)))
    return Submission(text=fields.input, **_manner(fields))


def _read_form(request: Request, settings: Settings) -> Submission:
    values = _form(request, min(_form_limit(settings), settings.body_limit))
    for name in ("metadata", "webhook", "voices", "lexicon", "pauses"):
        if isinstance(values.get(name), str):
            values[name] = parse_json(values[name].encode(), name)
    fields = _validated(JobForm, values)
    content = fields.file.read(most_bytes(settings) + 1)  # one too many is enough to refuse it
    return Submission(file=Upload(name=fields.file.filename, content=content), **_manner(fields))


def _form(request: Request, limit: int) -> dict[str, Any]:
    """Every field of a form, of which `file` alone may be a file. Raises BodyTooLarge before anything is parsed."""
    if (request.content_length or 0) > limit:
        raise BodyTooLarge(f"the form has {request.content_length:,} bytes; the limit is {limit:,}", limit=limit)
    values: dict[str, Any] = {}
    for name, parts in (*request.form.lists(), *request.files.lists()):
        if len(parts) > 1 or name in values:
            raise InvalidRequest(f"{name[:40]} is given more than once", field=name[:40])
        values[name] = parts[0]
    if isinstance(values.get("file"), str):
        raise InvalidRequest("file was sent as text: its part needs a filename", field="file")
    return values


def _unsupported(request: Request, wanted: str) -> UnsupportedMediaType:
    return UnsupportedMediaType(f"the Content-Type is {request.mimetype[:100] or 'nothing'}; this call takes {wanted}")


def _manner(fields: JobRequest | JobForm) -> dict[str, Any]:
    wish = fields.webhook
    webhook = Webhook.of(wish.url, wish.events) if wish is not None else None
    plain = ("voice", "voices", "format", "speed", "lane", "title", "author", "metadata", "lexicon", "pauses", "allow_partial")
    return {"webhook": webhook, "chapters": fields.chapters or ""} | {name: getattr(fields, name) for name in plain}


def parse_json(body: bytes, what: str = "the body") -> dict[str, Any]:
    """A JSON object. Raises MalformedJson, also for what Python's parser lets through: NaN, Infinity, lone surrogates."""
    if _values(body, JSON_VALUES) > JSON_VALUES:
        raise MalformedJson(f"{what} holds more than {JSON_VALUES:,} names and values")
    try:
        document = json.loads(body.decode(), parse_constant=_no_constant)
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        raise MalformedJson(f"{what} is not UTF-8: byte {error.start}") from error
    except UnicodeEncodeError as error:
        raise MalformedJson(f"{what} holds half a character (a lone surrogate), which no text can") from error
    except RecursionError as error:
        raise MalformedJson(f"{what} is nested too deeply") from error
    except ValueError as error:
        raise MalformedJson(f"{what} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise MalformedJson(f"{what} is JSON, but not an object")
    return document


def _values(body: bytes, limit: int) -> int:
    """How many names, values and brackets a JSON text has at most, counted without parsing it; no further than beyond `limit`."""
    count = 0
    for token in _TOKEN.finditer(body):
        text = token[0]
        count += 1 if text.startswith(b'"') else len(text)  # of what is no string, each character may be a value of its own
        if count > limit:
            break
    return count


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _validated(model: type[Model], values: dict[str, Any]) -> Model:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = [
            {"field": _path(fault["loc"]), "problem": _words(fault)}
            for fault in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        raise InvalidRequest("; ".join(f"{fault['field']}: {fault['problem']}" for fault in faults[:3]), fields=faults[:20]) from error


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part)[:40] for part in location) or "body"


def _words(fault: Any) -> str:
    kind, message = fault["type"], str(fault["msg"])
    if kind == "extra_forbidden":
        return "there is no such field"
    if kind == "missing":
        return "is missing"
    return message.removeprefix("Value error, ")
