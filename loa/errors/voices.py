"""What is wrong with a voice, with an engine, or with the files that they need."""

from __future__ import annotations

from loa.errors.base import LoaError


class UnreadableRecording(LoaError):
    """Send speech as a wav, mp3, flac or ogg file; save another format as one of these first."""

    code, status = "unreadable_recording", 422


class RecordingTooShort(LoaError):
    """Send 3 to 30 seconds in which one person speaks most of the time."""

    code, status = "recording_too_short", 422


class RecordingTooLong(LoaError):
    """Cut the recording to at most 30 seconds; five to ten good ones are enough."""

    code, status = "recording_too_long", 422


class RecordingSilent(LoaError):
    """Record closer to the microphone or turn it up; the loudest moments should come near to full level, without reaching it."""

    code, status = "recording_silent", 422


class RecordingClipped(LoaError):
    """Record again with the microphone turned down; making the file quieter afterwards does not bring back what was cut off."""

    code, status = "recording_clipped", 422


class NoSpeech(LoaError):
    """Send a recording of one person who speaks; music, noise and singing hold no voice that could be read from them."""

    code, status = "no_speech", 422


class RecordingNoisy(LoaError):
    """Record in a quiet room, close to the microphone: a voice would copy the noise as well."""

    code, status = "recording_noisy", 422


class UnknownVoice(LoaError):
    """Choose one of the voices that `loa voices list` or GET /v1/voices shows."""

    code, status = "unknown_voice", 404


class VoiceExists(LoaError):
    """Choose another name; or remove the voice of this name first, if it is an added one."""

    code, status = "voice_exists", 409


class VoiceNotRemovable(LoaError):
    """Remove only voices that were added (`added` is true); those of a manifest go when the manifest is deleted on every machine."""

    code, status = "voice_not_removable", 409


class VoiceNotInstalled(LoaError):
    """Install the voice on the server with `loa voices pull NAME`, then submit again."""

    code, status = "voice_not_installed", 409


class BrokenVoice(LoaError):
    """Install the voice again with `loa voices pull NAME --force`, an added one by adding it again; its files are damaged or wrong."""

    code, status = "broken_voice", 500


class VoiceChanged(LoaError):
    """Submit again: the voice was replaced or removed after this job was submitted."""

    code, status = "voice_changed", 409


class UnknownEngine(LoaError):
    """Choose another voice; or correct the manifest's `engine`, or install the part of Loa that has it."""

    code, status = "unknown_engine", 409


class EngineNotInstalled(LoaError):
    """Run what the message names, where the worker runs: `loa engines pull NAME` for an engine's files, pip for its packages."""

    code, status = "engine_not_installed", 409


class BrokenEngine(LoaError):
    """Fetch the engine's files again with `loa engines pull NAME --force`; they are damaged or of another model."""

    code, status = "broken_engine", 500


class BrokenManifest(LoaError):
    """Correct the named field of the manifest; docs/voices.md lists the fields."""

    code, status = "broken_manifest", 500


class DownloadFailed(LoaError):
    """Check the internet connection and run the command again: it goes on where it stopped."""

    code, status = "download_failed", 502


class NotPullable(LoaError):
    """Get the files from the page that `loa voices show NAME` names, read its licence, and put them into LOA_DATA_DIR/voices/NAME."""

    code, status = "not_pullable", 409


class ChecksumMismatch(LoaError):
    """Run the command again; if it happens again, the source has changed and its manifest must be checked before use."""

    code, status = "checksum_mismatch", 502
