"""What keeps the service, or a part of it, from working."""

from __future__ import annotations

from loa.errors.base import LoaError


class StorageFull(LoaError):
    """Free space where LOA_ARTIFACTS (for voices: LOA_DATA_DIR) points and try again: what is finished is kept, only the rest is redone."""

    code, status = "storage_full", 507


class StorageUnavailable(LoaError):
    """Check that LOA_ARTIFACTS can be reached and written by every process, and that its credentials are right."""

    code, status = "storage_unavailable", 503


class StoreUnavailable(LoaError):
    """Send the request again after the seconds in Retry-After, with the same Idempotency-Key; check that Redis runs."""

    code, status = "store_unavailable", 503


class NotReady(LoaError):
    """Wait until a worker is hot; GET /v1/workers shows what each is doing."""

    code, status = "not_ready", 503


class ServerUnreachable(LoaError):
    """Start the service with `loa up`, or set LOA_URL to where it runs."""

    code, status = "server_unreachable", 503


class WaitTimedOut(LoaError):
    """Wait again with `loa wait ID`: the job goes on. `loa workers` shows what the workers are doing."""

    code, status = "wait_timed_out", 504


class PartMissing(LoaError):
    """Install the part that is named, or all of Loa with: pip install 'loa[all]'."""

    code, status = "part_missing", 500


class SchemaMismatch(LoaError):
    """Run one version of Loa everywhere: stop the older processes, then start the newer ones (docs/operations.md: Upgrade)."""

    code, status = "schema_mismatch", 500


class UnsupportedRedis(LoaError):
    """Use a single Redis or Valkey server, version 6.2 or newer, without Cluster mode."""

    code, status = "unsupported_redis", 500


class BrokerMissing(LoaError):
    """Install valkey-server or redis-server (6.2 or newer), or set LOA_REDIS_URL to one that runs."""

    code, status = "broker_missing", 500


class DataDirInUse(LoaError):
    """Stop the other `loa up` that uses this folder, or give this one a folder of its own with --data-dir."""

    code, status = "data_dir_in_use", 500


class PortInUse(LoaError):
    """Stop the program that listens there, or choose another port with --port or LOA_PORT (0: any free port)."""

    code, status = "port_in_use", 500


class ArtifactsNotShared(LoaError):
    """Point LOA_ARTIFACTS of every process at the same place: one S3 URL, or one shared mount."""

    code, status = "artifacts_not_shared", 500


class InvalidSetting(LoaError):
    """Correct the environment variable; docs/settings.md lists each with its unit and default."""

    code, status = "invalid_setting", 500


class StartFailed(LoaError):
    """Read the lines above this one for the cause; `loa doctor` checks the installation."""

    code, status = "start_failed", 500
