"""docker-compose.yml and the Dockerfile: valid by the Compose schema, and true to what the docs promise. Nothing here runs Docker."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from loa.health import CHECKS
from loa.settings import Settings, variable

ROOT = Path(__file__).parents[2]
OURS = ("api", "deliver", "cpu-worker", "speak-cpu", "speak-gpu")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Any]:
    return compose["services"]


def stages() -> dict[str, str]:
    """The Dockerfile's stages: name → its instructions."""
    parts = re.split(r"^FROM (\S+) AS (\S+)$", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)[1:]
    return {parts[at + 1]: parts[at + 2] for at in range(0, len(parts), 3)}


# --- compose --------------------------------------------------------------------------------------------------------


def schema() -> Any:
    return json.loads((Path(__file__).with_name("compose-spec.json")).read_text())


def test_it_is_valid_by_the_compose_schema(compose: dict[str, Any]) -> None:
    jsonschema.validators.validator_for(schema())(schema()).validate(compose)


def test_the_schema_refuses_what_is_wrong(compose: dict[str, Any]) -> None:
    wrong = compose | {"services": {"api": {"image": "loa:cpu", "volume": []}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validators.validator_for(schema())(schema()).validate(wrong)


@pytest.mark.parametrize(
    ("profile", "wanted"),
    [("cpu", {"redis", "api", "deliver", "cpu-worker", "speak-cpu"}), ("gpu", {"redis", "api", "deliver", "cpu-worker", "speak-gpu"})],
)
def test_each_profile_is_a_whole_service(services: dict[str, Any], profile: str, wanted: set[str]) -> None:
    assert {name for name, service in services.items() if profile in service["profiles"]} == wanted


def test_redis_keeps_an_append_only_file_on_a_volume_and_never_evicts(compose: dict[str, Any], services: dict[str, Any]) -> None:
    command = services["redis"]["command"]
    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert options == {"--appendonly": "yes", "--appendfsync": "everysec", "--maxmemory-policy": "noeviction", "--save": ""}
    assert services["redis"]["volumes"] == ["redis:/data"]
    assert "redis" in compose["volumes"]


def test_redis_is_not_reachable_from_outside_and_the_api_only_from_this_host(services: dict[str, Any]) -> None:
    assert [name for name, service in services.items() if "ports" in service] == ["api"]
    assert all(port.startswith("127.0.0.1:") for port in services["api"]["ports"])
    assert services["api"]["environment"]["LOA_OPEN"] == "true", "inside the container it listens on every address"


def test_every_service_has_a_health_check_that_exists(services: dict[str, Any]) -> None:
    for name in OURS:
        *module, check = services[name]["healthcheck"]["test"]
        assert module == ["CMD", "python", "-m", "loa.health"]
        assert check in CHECKS
        assert check == (name if name in ("api", "deliver") else "worker")
    assert "valkey-cli ping" in services["redis"]["healthcheck"]["test"][1]


def test_the_parts_wait_for_a_healthy_redis_and_share_one_data_volume(services: dict[str, Any]) -> None:
    for name in OURS:
        assert services[name]["depends_on"] == {"redis": {"condition": "service_healthy"}}
        assert services[name]["volumes"] == ["data:/data"]
        assert services[name]["environment"]["LOA_REDIS_URL"] == "redis://redis:6379/0"


def test_one_speak_service_sees_all_gpus(services: dict[str, Any]) -> None:
    devices = services["speak-gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert devices == [{"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}]
    assert services["speak-gpu"]["environment"]["LOA_PROCESSES"] == "${LOA_PROCESSES:-1}"
    assert [name for name, service in services.items() if "deploy" in service] == ["speak-gpu"]


def test_the_cpu_worker_can_be_scaled(services: dict[str, Any]) -> None:
    worker = services["cpu-worker"]
    assert worker["command"] == ["worker", "--queues", "plan,assemble"]
    assert not {"container_name", "ports", "hostname"} & worker.keys()


def test_a_drain_fits_into_every_workers_grace(services: dict[str, Any]) -> None:
    for name in OURS:
        if name not in ("api", "deliver"):
            assert int(services[name]["stop_grace_period"].removesuffix("s")) >= Settings.load({}).drain_seconds + 10


def test_it_sets_only_settings_that_exist(services: dict[str, Any]) -> None:
    known = {variable(name) for name in Settings.__dataclass_fields__}
    for name in OURS:
        assert {key for key in services[name]["environment"] if key.startswith("LOA_")} <= known


# --- images ---------------------------------------------------------------------------------------------------------


def test_compose_builds_targets_of_the_dockerfile(services: dict[str, Any]) -> None:
    assert {services[name]["build"]["target"] for name in OURS} == {"cpu", "cuda"} <= stages().keys()


@pytest.mark.parametrize("target", ["cpu", "cuda"])
def test_an_image_runs_as_nobody_special_tells_its_licences_and_its_health(target: str) -> None:
    text = stages()[target]
    assert re.search(r"^USER loa$", text, re.MULTILINE)
    licences = "Apache-2.0 AND GPL-2.0-or-later AND GPL-3.0-or-later AND LGPL-2.1-or-later AND LGPL-3.0-or-later"
    assert f'licenses="{licences}"' in text
    assert all(part in text for part in ("espeak-ng", "x264 and x265", "libsoxr"))
    assert re.search(r'^HEALTHCHECK .*CMD \["python", "-m", "loa.health", "api"\]$', text, re.MULTILINE)
    assert text.index("USER loa") < text.index("ENTRYPOINT")


def test_images_install_what_is_locked() -> None:
    assert "--require-hashes -r requirements/loa.lock" in stages()["base"]
    assert "--require-hashes -r requirements/torch.lock" in stages()["torch-cuda"]
    assert "requirements/torch.in" in stages()["torch-cpu"]


def test_everything_that_is_copied_exists_and_reaches_the_build() -> None:
    let_in = {line[1:].rstrip("/") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for line in re.findall(r"^COPY (.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert source.rstrip("/") in let_in
