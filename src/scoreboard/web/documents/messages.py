"""The AsyncAPI 3.0 document: the live interface."""

from typing import get_args

import msgspec

from scoreboard import __version__, wire
from scoreboard.web.documents import fields, schemas
from scoreboard.web.documents.examples import EXAMPLES
from scoreboard.web.documents.schemas import Json
from scoreboard.web.queries import LiveQuery, PeriodQuery

FROM_SERVER: tuple[type[msgspec.Struct], ...] = get_args(wire.ServerMessage)
FROM_CLIENT: tuple[type[msgspec.Struct], ...] = get_args(wire.ClientMessage)

DESCRIPTION = (
    "Keep a `top` if its `(epoch, seq)` is greater than what you have; else drop it. Every `top` "
    "is the whole top ten, so that none has to be waited for. Close codes 40xx say stop, 41xx come "
    "back later, 42xx come back now; 1012 and 1013 come back after `retry_after_ms`."
)
CREDENTIALS = (
    "Optional: anyone may watch. In the `Authorization` header, in the subprotocols "
    "`scoreboard.v1, scoreboard.bearer.<jwt>`, or in a `hello`; never in the query string."
)
_SUBPROTOCOL = "scoreboard.v1"


def asyncapi() -> bytes:
    """The document, as JSON."""
    document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Scoreboard, live",
            "version": __version__,
            "description": DESCRIPTION,
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "live": {
                "host": "127.0.0.1:8000",
                "protocol": "ws",
                "description": "WebSocket; `wss` behind TLS.",
                "security": [{"$ref": "#/components/securitySchemes/token"}],
            },
            "stream": {
                "host": "127.0.0.1:8000",
                "protocol": "http",
                "description": "Server-Sent Events; `https` behind TLS.",
            },
        },
        "channels": {"scoreboard": _socket(), "stream": _stream()},
        "operations": _operations(),
        "components": {
            "messages": {message_name(kind): _message(kind) for kind in FROM_SERVER + FROM_CLIENT},
            "schemas": schemas.components(FROM_SERVER + FROM_CLIENT),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": CREDENTIALS,
                }
            },
        },
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2)


def message_name(kind: type[msgspec.Struct]) -> str:
    """The message's ``type``."""
    return str(kind.__struct_config__.tag)


def _socket() -> Json:
    return {
        "address": "/ws/scoreboard",
        "title": "The live board",
        "description": "One socket watches one board and period.",
        "servers": [{"$ref": "#/servers/live"}],
        "messages": _references(FROM_SERVER + FROM_CLIENT),
        "bindings": {
            "ws": {
                "method": "GET",
                "query": {"type": "object", "properties": dict(schemas.members(LiveQuery))},
                "headers": {
                    "type": "object",
                    "properties": {
                        "Sec-WebSocket-Protocol": {
                            "type": "string",
                            "description": f"`{_SUBPROTOCOL}`, and with a token "
                            "`scoreboard.bearer.<jwt>`.",
                        },
                        "Origin": {
                            "type": "string",
                            "description": "When present, it has to be an allowed one.",
                        },
                    },
                },
                "bindingVersion": "0.1.0",
            }
        },
    }


def _stream() -> Json:
    board = fields.PATH["board"]
    return {
        "address": "/v1/boards/{board}/stream",
        "title": "The live board as Server-Sent Events",
        "description": "Each event is a `top` with `epoch-seq` as its id; `Last-Event-ID` is "
        "honoured.",
        "servers": [{"$ref": "#/servers/stream"}],
        "parameters": {
            "board": {
                "description": board.meaning,
                "default": "default",
                "examples": [board.example],
            }
        },
        "messages": _references((wire.TopMessage,)),
        "x-query": dict(schemas.members(PeriodQuery)),
    }


def _operations() -> Json:
    return {
        "show": _operation(
            "send", "scoreboard", FROM_SERVER, "What the service tells whoever watches."
        ),
        "hear": _operation("receive", "scoreboard", FROM_CLIENT, "What a viewer may say."),
        "stream": _operation("send", "stream", (wire.TopMessage,), "The top ten, as events."),
    }


def _operation(
    action: str, channel: str, kinds: tuple[type[msgspec.Struct], ...], summary: str
) -> Json:
    place = f"#/channels/{channel}"
    return {
        "action": action,
        "channel": {"$ref": place},
        "summary": summary,
        "messages": [{"$ref": f"{place}/messages/{message_name(kind)}"} for kind in kinds],
    }


def _references(kinds: tuple[type[msgspec.Struct], ...]) -> Json:
    return {
        message_name(kind): {"$ref": f"#/components/messages/{message_name(kind)}"}
        for kind in kinds
    }


def _message(kind: type[msgspec.Struct]) -> Json:
    name = message_name(kind)
    return {
        "name": name,
        "title": name,
        "summary": " ".join((kind.__doc__ or "").split()),
        "contentType": "application/json",
        "payload": schemas.reference(kind),
        "examples": [{"name": name, "payload": msgspec.to_builtins(EXAMPLES[kind])}],
    }
