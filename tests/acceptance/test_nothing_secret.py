"""It is promised that no secret is in anything that the service writes, says or hands out."""

import base64
import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from tests.cluster import Cluster
from tests.service_process import Service

DATABASE = "planted-database-password"
REDIS = "planted-redis-password"
HMAC = base64.urlsafe_b64encode(b"planted-hmac-secret-of-32-bytes!!").decode().rstrip("=")
JSON = {"Content-Type": "application/json"}


def with_password(url: str, password: str) -> str:
    host = urlsplit(url).netloc.rpartition("@")
    user = host[0] or "default"
    return url.replace(urlsplit(url).netloc, f"{user}:{password}@{host[2]}")


def test_nothing_that_comes_out_has_a_secret_in_it(
    cluster_factory: Callable[..., Cluster], tmp_path: Path
) -> None:
    cluster = cluster_factory("redis")
    redis = with_password(cluster.env["SCOREBOARD_RANKING"], REDIS)
    planted = {
        "SCOREBOARD_LEDGER": with_password(cluster.env["SCOREBOARD_LEDGER"], DATABASE),
        **{f"SCOREBOARD_{name}": redis for name in ("RANKING", "LIMITER", "BUS")},
        "SCOREBOARD_LOG_LEVEL": "debug",
        "SCOREBOARD_LOG_SAMPLE": "1",
    }
    set_password(cluster, REDIS)
    (node,) = cluster.started(1, planted)
    token = node.token("planted-user")
    said = busy(node, token)
    # Connections break, and come back to a server that knows another password.
    cluster.valkey.restart()
    cluster.postgres.restart()
    said += [*busy(node, token), *commands(node, tmp_path)]
    wrong = cluster.node({**planted, "SCOREBOARD_LEDGER": planted["SCOREBOARD_LEDGER"] + "x"},
                         start=False)  # fmt: skip
    said += outputs(wrong, "serve")
    node.stop()
    said += [node.log()]
    secret = Path(node.env["SCOREBOARD_SECRET_FILE"]).read_text().strip()
    pem = (node.data / "checkpoint-key").read_text().splitlines()[1]
    for part in (DATABASE, REDIS, HMAC, secret, pem, *token.split(".")[1:]):
        assert not [text[:200] for text in said if part in text], part
    assert sum(map(len, said)) > 20_000  # it did say something


def set_password(cluster: Cluster, password: str) -> None:
    with contextlib.closing(cluster.valkey.client()) as client:
        client.config_set("requirepass", password)


def busy(node: Service, token: str) -> list[str]:
    admin = {"Authorization": f"Bearer {node.token('admin', 'scores:admin')}"}
    key = {"key": "game.h1", "algorithm": "hmac-sha256", "secret": HMAC, "reason": "x"}
    answers = [
        node.award("planted-user", "quiz", token=token, key="k"),
        node.award("planted-user", "none", token=token),
        node.award("somebody", "quiz", token=token),
        node.award("planted-user", "quiz", token=token, headers={"Action-Signature": HMAC}),
        node.request(
            "POST", "/v1/admin/keys", headers=admin | JSON, body=json.dumps(key).encode()
        ),
        node.request("PUT", "/v1/admin/actions/x", headers=admin | JSON, body=b"{"),
        *(
            node.get(path, **admin)
            for path in (
                "/metrics", "/readyz", "/livez", "/version", "/v1/admin/keys", "/v1/admin/audit",
                "/v1/boards/default/top", "/v1/ledger/checkpoint", "/openapi.json", f"/{HMAC}",
            )
        ),
    ]  # fmt: skip
    return [f"{each.headers} {each.body.decode()}" for each in answers]


def commands(node: Service, folder: Path) -> list[str]:
    export = folder / "export"
    export.unlink(missing_ok=True)
    said = [
        text
        for words in (
            ["settings"], ["check"],
            ["ledger", "export", str(export)],
        )
        for text in outputs(node, *words)
    ]  # fmt: skip
    return [*said, export.read_text() if export.exists() else ""]


def outputs(node: Service, *words: str) -> list[str]:
    done = node.command(*words, check=False)
    return [done.stdout, done.stderr]
