"""The live board: a set of connections and a loop over them."""

from fastapi import WebSocket, WebSocketDisconnect


class ConnectionManager:
    """Every open WebSocket, and the text last shown to all."""

    def __init__(self) -> None:
        self.active: set[WebSocket] = set()
        self.seq = 0
        self.shown: list[tuple[str, int]] = []

    async def connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self.active.add(websocket)

    def disconnect(self, websocket: WebSocket) -> None:
        self.active.discard(websocket)

    async def broadcast(self, text: str) -> None:
        for websocket in list(self.active):
            try:
                await websocket.send_text(text)
            except (WebSocketDisconnect, RuntimeError):
                self.disconnect(websocket)
