"""The table of settings: what each is called, means, is measured in and is by default."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from scoreboard.settings import parse

PREFIX = "SCOREBOARD_"


class Setting(NamedTuple):
    """One row of the table; ``read`` turns text, and the folder it belongs to, into the value."""

    name: str
    default: str
    unit: str
    help: str
    read: Callable[[str, Path], Any]


SETTINGS = (
    Setting(
        "DATA",
        "./scoreboard-data",
        "path",
        "The folder of the database and the secret; the first start makes it.",
        parse.path,
    ),
    Setting(
        "HOST",
        "127.0.0.1",
        "address",
        "Where to listen; 0.0.0.0 or :: for every network.",
        parse.host,
    ),
    Setting("PORT", "8000", "port", "The port to listen on; 0 takes a free one.", parse.port),
    Setting(
        "OPS_LISTEN",
        "",
        "address:port",
        "Where the operator's and the administrator's paths move to (/metrics, /livez, /readyz, "
        "/version, /admin, /v1/admin), such as 127.0.0.1:9100; empty: the same port as the rest.",
        parse.optional(parse.listener),
    ),
    Setting(
        "ROLE",
        "all",
        "choice",
        "What this node does: all; api takes awards and answers reads; gateway holds viewers and "
        "has no database; relay only ranks and publishes. Others than all need a shared RANKING "
        "and BUS.",
        parse.choice("all", "api", "gateway", "relay"),
    ),
    Setting(
        "LEDGER",
        "sqlite:",
        "URL",
        "Where scores are remembered: sqlite: is scoreboard.db in DATA, sqlite:/path another file, "
        "postgresql://user@host:5432/database a server for many nodes.",
        parse.backend("sqlite", "postgresql", takes_path=True),
    ),
    Setting(
        "RANKING",
        "memory:",
        "URL",
        "Where scores are ranked: memory: is this process, redis://host:6379/0 a server (Redis or "
        "Valkey) for many nodes.",
        parse.backend("memory", "redis", "rediss"),
    ),
    Setting(
        "BUS",
        "local:",
        "URL",
        "How nodes tell each other of a new top: local: is one node alone, redis://host:6379/0 and "
        "kafka://host:9092/scoreboard (the prefix of its topics) reach many.",
        parse.backend("local", "redis", "rediss", "kafka"),
    ),
    Setting(
        "LIMITER",
        "memory:",
        "URL",
        "Where rates are counted: memory: is this process, redis://host:6379/0 all nodes together.",
        parse.backend("memory", "redis", "rediss"),
    ),
    Setting(
        "SECRET_FILE",
        "",
        "path",
        "The secret (0600) of local tokens and cursors; empty: the file secret in DATA, made at "
        "the first start.",
        parse.optional(parse.path),
    ),
    Setting(
        "CHECKPOINT_KEY_FILE",
        "",
        "path",
        "The Ed25519 key (PEM, 0600) that checkpoints of the ledger are signed with, the same on "
        "all nodes; empty: the file checkpoint-key in DATA, made at the first start.",
        parse.optional(parse.path),
    ),
    Setting(
        "JWT_KEYS",
        "",
        "path",
        "Keys that tokens are verified with: a JWKS, a PEM or a secret in a file. Tokens of the "
        "local secret are then refused.",
        parse.optional(parse.path),
    ),
    Setting(
        "JWKS_URL",
        "",
        "URL",
        "Where to fetch the keys instead; https, or http on this machine.",
        parse.optional(parse.jwks_url),
    ),
    Setting(
        "JWT_ISSUER",
        "",
        "text",
        "The iss that a token must have; empty: any.",
        parse.optional(parse.text),
    ),
    Setting(
        "JWT_AUDIENCE",
        "",
        "text",
        "The aud that a token must have; empty: any.",
        parse.optional(parse.text),
    ),
    Setting(
        "AUDIENCE",
        "scoreboard",
        "text",
        "What signers of actions write as the audience; another one for staging than for "
        "production keeps what was signed for one from being worth anything in the other.",
        parse.audience,
    ),
    Setting(
        "ORIGINS",
        "",
        "origins",
        "Pages that may connect, such as https://example.com, with commas between; empty: only "
        "this service's own pages.",
        parse.origins,
    ),
    Setting(
        "TRUSTED_PROXIES",
        "",
        "networks",
        "Proxies whose X-Forwarded-For is believed, such as 10.0.0.0/8, with commas between.",
        parse.networks,
    ),
    Setting(
        "SECURITY_CONTACT",
        "",
        "URL",
        "Whom /.well-known/security.txt says to tell of a weakness, mailto: or https:; empty: "
        "there is no such file.",
        parse.optional(parse.contact),
    ),
    Setting(
        "USER_RATE",
        "10/60s",
        "awards",
        "Awards that a user's own token may ask for in any such span; 0 is no limit.",
        parse.rate,
    ),
    Setting(
        "SERVICE_RATE",
        "0",
        "awards",
        "Awards that a token with scores:write may ask for in any such span; 0 is no limit.",
        parse.rate,
    ),
    Setting(
        "IP_RATE",
        "600/60s",
        "requests",
        "Requests from one address in any such span; 0 is no limit.",
        parse.rate,
    ),
    Setting(
        "REFRESH_MS",
        "50",
        "ms",
        "The least time between two frames of one board; the newest wins.",
        parse.integer(1, 60_000),
    ),
    Setting(
        "HEARTBEAT_MS",
        "15000",
        "ms",
        "Silence after which a viewer gets a tick.",
        parse.integer(100, 600_000),
    ),
    Setting(
        "GROUP_MAX",
        "1024",
        "awards",
        "The most awards written in one transaction.",
        parse.integer(1, 65_536),
    ),
    Setting(
        "QUEUE_MAX",
        "4096",
        "awards",
        "The most awards waiting for a transaction; one more gets 503 overloaded.",
        parse.integer(1, 1_000_000),
    ),
    Setting(
        "VIEWERS_MAX",
        "20000",
        "viewers",
        "The most live connections of this node.",
        parse.integer(0, 1_000_000),
    ),
    Setting(
        "VIEWERS_PER_ADDRESS",
        "200",
        "viewers",
        "The most live connections from one address.",
        parse.integer(0, 1_000_000),
    ),
    Setting(
        "VIEWERS_PER_USER",
        "20",
        "viewers",
        "The most live connections of one user.",
        parse.integer(0, 1_000_000),
    ),
    Setting(
        "AUDIT_EVERY",
        "24h",
        "span",
        "How often the node that leads compares scores, ranking and ledger and looks for irregular "
        "users, such as 24h or 90m; 0 is never.",
        parse.span,
    ),
    Setting(
        "AUDIT_HOLDS",
        "false",
        "yes or no",
        "Whether an audit holds a user it finds irregular (out of every top until somebody looks).",
        parse.boolean,
    ),
    Setting(
        "MIGRATE",
        "true",
        "yes or no",
        "Whether serve brings an SQLite database up to date when it starts; a server is changed by "
        "scoreboard migrate alone.",
        parse.boolean,
    ),
    Setting(
        "DRAIN_S",
        "20",
        "s",
        "How long leaving may take after SIGTERM: half for viewers, half for requests under way.",
        parse.integer(0, 3600),
    ),
    Setting(
        "LOG_LEVEL",
        "info",
        "word",
        "The least level to log: debug, info, warning or error.",
        parse.choice("debug", "info", "warning", "error"),
    ),
    Setting(
        "LOG_FORMAT",
        "auto",
        "word",
        "json, console, or auto: console in a terminal, json elsewhere.",
        parse.choice("json", "console", "auto"),
    ),
    Setting(
        "LOG_SAMPLE",
        "0",
        "requests",
        "Of so many requests that were answered well, one is logged: 1 is every one, 0 none. Our "
        "own failures are always logged.",
        parse.integer(0, 1_000_000),
    ),
    Setting(
        "TRACES_URL",
        "",
        "URL",
        "Where traces are sent, OTLP over HTTP, such as http://127.0.0.1:4318/v1/traces; empty: "
        "none are made. Needs the extra otel.",
        parse.optional(parse.traces_url),
    ),
    Setting(
        "TRACES_SHARE",
        "0.01",
        "share",
        "The share of requests that are traced, 0 to 1, drawn by lot or by the caller's trace id.",
        parse.share,
    ),
)

BY_NAME = {setting.name: setting for setting in SETTINGS}


def markdown() -> str:
    """The table of the documentation: names, defaults, units and help."""
    lines = ["| setting | default | unit | what it does |", "| --- | --- | --- | --- |"]
    for name, default, unit, text, _ in SETTINGS:
        shown = f"`{default}`" if default else ""
        lines.append(f"| `{PREFIX}{name}` | {shown} | {unit} | {text} |")
    return "\n".join(lines)
