"""What is wrong with a request: its body, its fields, what it asks for, its HTTP."""

from __future__ import annotations

from loa.errors.base import LoaError


class InvalidRequest(LoaError):
    """Correct the named field and send the request again; /docs lists every field with its limits."""

    code, status = "invalid_request", 400


class MalformedJson(LoaError):
    """Send one JSON object, encoded as UTF-8."""

    code, status = "malformed_json", 400


class UnsupportedMediaType(LoaError):
    """Send application/json with an `input`, or multipart/form-data with a `file`: a .txt, .md, .html, .epub, .docx or .pdf for a job, a
    recording for a voice."""

    code, status = "unsupported_media_type", 415


class EmptyText(LoaError):
    """Send at least one letter or digit; text of nothing but blanks, punctuation or control characters cannot be spoken."""

    code, status = "empty_text", 400


class TextTooLong(LoaError):
    """Send long text as a file (multipart `file`), split it, or raise LOA_TEXT_LIMIT or LOA_FILE_TEXT_LIMIT on the server."""

    code, status = "text_too_long", 413


class BodyTooLarge(LoaError):
    """Send a smaller file, or raise LOA_BODY_LIMIT on the server; a recording for a voice needs no more than half a minute."""

    code, status = "body_too_large", 413


class UnreadableDocument(LoaError):
    """Open the file in the program that wrote it and save it anew, or as plain text in UTF-8; then send it again."""

    code, status = "unreadable_document", 422


class EncryptedDocument(UnreadableDocument):
    """Send the document without its protection: saved without the password, or bought from a shop that sells books without DRM."""

    code, status = "encrypted_document", 422


class ImageOnlyDocument(UnreadableDocument):
    """Run text recognition (OCR) over the pages first, with OCRmyPDF for instance, and send what it made."""

    code, status = "image_only_document", 422


class DocumentTooLarge(UnreadableDocument):
    """Split the document and send its parts, or raise a limit on the server: LOA_FILE_LIMIT for the bytes of the file, else
    LOA_FILE_TEXT_LIMIT, which the others follow."""

    code, status = "document_too_large", 413


class UnsupportedLanguage(UnreadableDocument):
    """Choose a voice that speaks the language of the document; `loa voices list` names them with their languages."""

    code, status = "unsupported_language", 422


class UnknownFormat(LoaError):
    """Choose wav, flac, mp3, ogg, opus, m4a, m4b or zip."""

    code, status = "unknown_format", 400


class InvalidSpeed(LoaError):
    """Choose a speed from 0.5 (half as fast) to 2.0 (twice as fast)."""

    code, status = "invalid_speed", 400


class InvalidChapters(LoaError):
    """Name chapters by their numbers in `loa narrate --list FILE`, such as 3-7,9; or all."""

    code, status = "invalid_chapters", 400


class InvalidVoices(LoaError):
    """Give voices by language, such as {"vi": NAME, "en": NAME}: eight at most, each language once, with a voice that speaks it."""

    code, status = "invalid_voices", 400


class InvalidPauses(LoaError):
    """Give milliseconds, from 0 to 10,000, for any of sentence, paragraph, heading and chapter."""

    code, status = "invalid_pauses", 400


class InvalidLexicon(LoaError):
    """Give words or short phrases with what is said for them, {"Nguyen": "win"} or by language {"vi": {"BTC": "ban tổ chức"}}."""

    code, status = "invalid_lexicon", 400


class InvalidWebhook(LoaError):
    """Give an http or https URL of a public host; whoever runs the server can open private ones with LOA_WEBHOOK_ALLOW."""

    code, status = "invalid_webhook", 400


class IdempotencyConflict(LoaError):
    """Use a new Idempotency-Key for a new request; a key may only repeat the very same request."""

    code, status = "idempotency_conflict", 422


class RangeNotSatisfiable(LoaError):
    """Ask for a byte range inside the file; a request without Range gets the whole of it."""

    code, status = "range_not_satisfiable", 416


class NotFound(LoaError):
    """Check the address; /docs lists every call."""

    code, status = "not_found", 404


class MethodNotAllowed(LoaError):
    """Check the method; /docs lists every call."""

    code, status = "method_not_allowed", 405


class MalformedHttp(LoaError):
    """Use an ordinary HTTP/1.1 client: the request line or a header cannot be read."""

    code, status = "malformed_http", 400


class HeadersTooLarge(LoaError):
    """Send fewer or shorter headers; 64 kB is the limit."""

    code, status = "headers_too_large", 431


class UnsupportedHttp(LoaError):
    """Send the body with a Content-Length, or chunked."""

    code, status = "unsupported_http", 501
