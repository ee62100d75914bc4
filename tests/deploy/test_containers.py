"""It is promised that image and compose file are well-formed, and give no more than is needed."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from scoreboard import settings
from tests.deploy.front import ROOT
from tests.deploy.material import (
    BIN,
    COMPOSE,
    CONTAINERFILE,
    DEPLOY,
    NODES,
    document,
    instructions,
    run,
)
from tests.servers.postgres import OWNER
from tests.servers.postgres import running as postgres_running
from tests.servers.valkey import running as valkey_running


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return document(COMPOSE)


# --- the image


def test_the_containerfile_has_no_lint() -> None:
    assert run(BIN / "hadolint", CONTAINERFILE) == ""


def test_the_image_runs_as_nobody_in_particular_and_passes_signals_on() -> None:
    last = dict(instructions())
    assert last["USER"] == "10001:10001"
    assert last["STOPSIGNAL"] == "SIGTERM"
    assert (last["ENTRYPOINT"], last["CMD"]) == ('["scoreboard"]', '["serve"]')
    assert "/livez" in last["HEALTHCHECK"]
    assert "CMD [" in last["HEALTHCHECK"]
    assert all(rest.startswith("[") for name, rest in instructions() if name == "RUN")


def test_the_image_is_made_of_locked_files_alone() -> None:
    copied = [rest.split()[:-1] for name, rest in instructions() if name == "COPY"]
    wanted = {name for names in copied for name in names if not name.startswith(("-", "/"))}
    kept = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert {line.removeprefix("!") for line in kept if line.startswith("!")} == wanted
    assert "ADD" not in dict(instructions())
    assert any("--require-hashes" in rest for name, rest in instructions() if name == "RUN")


# --- compose


def test_compose_accepts_its_file(compose: dict[str, Any]) -> None:
    project = PyCompose.from_yaml(yaml.safe_dump(compose))
    project.validate()
    assert set(NODES) < set(project.service_names())


def test_every_container_is_contained(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["read_only"] is (name != "kafka"), name
        assert service["mem_limit"], name
        assert service.get("healthcheck") or service["image"] == "scoreboard:local", name
        assert "privileged" not in service, name
        assert not any("docker.sock" in str(volume) for volume in service.get("volumes", ()))


def test_no_password_is_in_an_environment_of_compose(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if "PASSWORD" in name:
                assert value.startswith("/run/secrets/")
            assert "@" not in value.replace("1@localhost:9093", "")


def test_nginx_and_prometheus_know_the_nodes_of_compose(compose: dict[str, Any]) -> None:
    upstreams = (DEPLOY / "nginx" / "scoreboard.upstreams").read_text("utf-8")
    assert all(upstreams.count(f"server {node}:8000 ") == 2 for node in NODES)
    scraped = document(DEPLOY / "prometheus" / "prometheus.yml")
    (targets,) = (each["static_configs"][0]["targets"] for each in scraped["scrape_configs"])
    assert targets == [f"{node}:9100" for node in NODES]
    nginx = compose["services"]["nginx"]
    trusted = compose["services"]["node1"]["environment"]["SCOREBOARD_TRUSTED_PROXIES"]
    assert nginx["networks"]["edge"]["ipv4_address"] == trusted
    data = {name for name, each in compose["services"].items() if "data" in each["networks"]}
    assert data == {*NODES, "migrate", "postgres", "valkey", "kafka"}
    assert compose["networks"]["data"] == {"internal": True}


def test_what_is_read_from_a_folder_is_there(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for volume in service.get("volumes", ()):
            source, _, _ = volume.partition(":")
            known = source in compose["volumes"]
            assert known or (ROOT / source).is_dir(), source


def test_the_options_of_valkey_are_options(compose: dict[str, Any], valkey_program: Path) -> None:
    program, *options = compose["services"]["valkey"]["command"]
    assert program == "valkey-server"
    pairs = {
        name.removeprefix("--"): value
        for name, value in zip(options[::2], options[1::2], strict=True)
    }
    with valkey_running(valkey_program, pairs) as server, server.client() as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("save") == {"save": ""}
        assert client.config_get("maxmemory") == {"maxmemory": str(768 << 20)}


# --- secrets


def test_secrets_are_made_once_and_are_what_the_service_takes(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root gives files away")
    folder = tmp_path / "secrets"
    run("sh", DEPLOY / "secrets.sh", folder)
    made = {file.name: file.read_bytes() for file in folder.iterdir()}
    run("sh", DEPLOY / "secrets.sh", folder)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == made
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o400}
    wanted = document(COMPOSE)["secrets"].values()
    assert {Path(each["file"]).name for each in wanted} == set(made)
    for name, role in (
        ("scoreboard.toml", "scoreboard_node"),
        ("migrate.toml", "scoreboard_owner"),
    ):
        found = settings.load({}, {"SCOREBOARD_CONFIG": str(folder / name)}, tmp_path)
        password = made[f"{role}.password"].decode()
        assert str(found.ledger) == f"postgresql://{role}:{password}@postgres:5432/scoreboard"
    assert len({*made.values()}) == len(made)


def test_the_role_of_the_service_owns_nothing(tmp_path: Path, postgres_programs: Path) -> None:
    (tmp_path / "scoreboard_node.password").write_text("it's a secret", "utf-8")
    with postgres_running(postgres_programs) as server:
        run(
            "sh",
            DEPLOY / "postgres" / "roles.sh",
            PATH=f"{postgres_programs}:{os.environ['PATH']}",
            PGHOST="127.0.0.1",
            PGPORT=str(server.port),
            POSTGRES_USER=OWNER,
            POSTGRES_DB="postgres",
            SECRETS=str(tmp_path),
        )
        asked = (
            "SELECT rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, "
            "rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid WHERE rolname = 'scoreboard_node'"
        )
        assert server.psql(asked) == "t|f|f|f|t"
