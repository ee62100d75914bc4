"""Follows the ledger into its Merkle tree, and signs a checkpoint of it every few seconds."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from scoreboard.core.checkpoint import (
    Checkpoint,
    Verify,
    checkpoint_in,
    is_signed,
    note,
    origin_of,
    verifier_key,
)
from scoreboard.core.leaf import seq_of
from scoreboard.core.merkle import TILE_WIDTH, Run, Tree, edge_tiles, joined, leaf_hash
from scoreboard.errors import CheckpointRefused, Deposed, OutOfPlace, ScoreboardError
from scoreboard.ports import Head, Ledger, Sealing
from scoreboard.service.leadership import Leadership
from scoreboard.telemetry import Event, Telemetry, log

SEAL_EVERY_S = 10.0
SEAL_POSTINGS = 1_000
"""So many postings are sealed without waiting, at most once each ``LOOK_EVERY_S``."""

SEAL_MAX = 16_384
"""Postings under one checkpoint more than under the one before: what is held in memory."""

LOOK_EVERY_S = 1.0
FINISH_S = 5.0
"""How long a stop may wait for the last checkpoint."""


class Signer(Protocol):
    """Signs checkpoints; ``public`` is its Ed25519 key, ``name`` begins the origin."""

    @property
    def name(self) -> str: ...

    @property
    def public(self) -> bytes: ...

    def sign(self, message: bytes) -> bytes: ...


class Published(Protocol):
    """Where the newest checkpoint is kept outside the ledger; what fails is an OSError."""

    async def read(self) -> str | None: ...

    async def write(self, note: str) -> None: ...


class Sealer:
    """While this node leads: the tree over all postings, and checkpoints that never contradict.

    Before it signs anything it compares the tree with the newest checkpoint in the ledger and with
    the one that was published. If the ledger is not a continuation of both, it signs nothing, says
    so, and looks again each second; awards go on. Without a ``signer`` it never signs.
    """

    def __init__(  # noqa: PLR0913 - what it works with
        self,
        ledger: Ledger,
        leadership: Leadership,
        signer: Signer | None,
        published: Published,
        *,
        verify: Verify,
        clock_ms: Callable[[], int],
        telemetry: Telemetry,
    ) -> None:
        self._ledger = ledger
        self._leadership = leadership
        self._signer = signer
        self._published = published
        self._verify = verify
        self._clock_ms = clock_ms
        self._telemetry = telemetry
        self._size = telemetry.child("scoreboard_checkpoint_size")
        self._age = telemetry.child("scoreboard_checkpoint_age_seconds")
        self._turn = asyncio.Lock()
        self._tree: Tree | None = None
        self._epoch = 0
        self._ahead: Checkpoint | None = None
        self._unsealed_since_s: float | None = None
        self._trouble = ""

    async def run(self) -> None:
        """Seal for ever; whatever fails is tried again."""
        while True:
            await self._leadership.gained()
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)
            if self._leadership.term is None:
                self._forget()
                self._size.set(0)
                self._age.set(0)

    async def look(self, *, finishing: bool = False) -> None:
        """Seal if it is time to, or in any case when ``finishing``; never raises."""
        async with self._turn:
            try:
                await self._seal_what_is_due(finishing=finishing)
            except CheckpointRefused as refusal:
                self._fail(refusal.reason, refused=True)
            except (Deposed, OutOfPlace):
                self._forget()  # another node has sealed meanwhile
            except ScoreboardError as error:
                self._fail(error.code)
            except OSError:
                self._fail("file")
            except Exception:  # noqa: BLE001 - nothing may stop it for good
                log().exception(Event.CHECKPOINT_FAILED)
                self._fail("error")
            else:
                self._succeed()

    async def finish(self) -> None:
        """Seal what is there at an orderly stop, if this node leads."""
        if self._leadership.term is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(FINISH_S):
                    await self.look(finishing=True)

    async def _seal_what_is_due(self, *, finishing: bool) -> None:
        head = await self._ledger.head()
        tree = self._tree
        if tree is None or head.epoch != self._epoch:
            tree = self._tree = await self._begun(head)
        if head.seq < tree.size:
            raise CheckpointRefused("rolled-back")
        while tree.size < head.seq and (finishing or self._is_due(head.seq - tree.size)):
            await self._seal(tree, head)
        await self._measure(tree, head)

    def _is_due(self, unsealed: int) -> bool:
        now_s = asyncio.get_running_loop().time()
        if self._unsealed_since_s is None:
            self._unsealed_since_s = now_s
        return unsealed >= SEAL_POSTINGS or now_s - self._unsealed_since_s >= SEAL_EVERY_S

    async def _measure(self, tree: Tree, head: Head) -> None:
        self._size.set(tree.size)
        oldest = await self._ledger.postings(tree.size, 1) if tree.size < head.seq else ()
        self._age.set(max(0, self._clock_ms() - oldest[0].at) / 1000 if oldest else 0)

    # --- what was signed before

    async def _begun(self, head: Head) -> Tree:
        """The tree of the newest checkpoint.

        Raises:
            CheckpointRefused: what was signed before does not fit the ledger, or each other.
        """
        signer = self._signer
        if signer is None:
            raise CheckpointRefused("key")
        sealing = await self._ledger.newest_sealing()
        tree = await self._tree_at(sealing.size if sealing else 0)
        if sealing:
            self._ensure_own(sealing, tree, head, signer)
        self._ahead = await self._published_ahead(tree.size, head, signer)
        if head.epoch != self._epoch:
            origin = origin_of(signer.name, head.epoch)
            log().info(Event.CHECKPOINT_KEY, verifier=verifier_key(origin, signer.public))
        self._epoch = head.epoch
        return tree

    async def _tree_at(self, size: int) -> Tree:
        return Tree.at(size, await self._ledger.tiles(edge_tiles(size)))

    def _ensure_own(self, sealing: Sealing, tree: Tree, head: Head, signer: Signer) -> None:
        try:
            checkpoint = sealing.checkpoint()
            genuine = is_signed(sealing.note, sealing.key, self._verify)
        except ValueError:
            raise CheckpointRefused("contradiction") from None
        if head.seq < sealing.size or head.epoch < checkpoint.epoch:
            raise CheckpointRefused("rolled-back")
        if not genuine or (checkpoint.size, checkpoint.root) != (sealing.size, tree.root()):
            raise CheckpointRefused("contradiction")
        if checkpoint.epoch == head.epoch and sealing.key != signer.public:
            raise CheckpointRefused("key")

    async def _published_ahead(self, size: int, head: Head, signer: Signer) -> Checkpoint | None:
        """What was published of more postings than are sealed in the ledger."""
        text = await self._published.read()
        if text is None:
            return None
        try:
            published = checkpoint_in(text)
            own = is_signed(text, signer.public, self._verify)
        except ValueError:
            raise CheckpointRefused("unreadable") from None
        if published.epoch < head.epoch:
            return None  # of the history that this one has replaced
        if published.epoch > head.epoch or published.size > head.seq:
            raise CheckpointRefused("rolled-back")
        if not own:
            raise CheckpointRefused("key")
        if published.size > size:
            return published
        if (await self._tree_at(published.size)).root() != published.root:
            raise CheckpointRefused("contradiction")
        return None

    # --- what is signed now

    async def _seal(self, tree: Tree, head: Head) -> None:
        """One checkpoint more."""
        upto = min(head.seq, tree.size + SEAL_MAX)
        if self._ahead:
            upto = min(upto, self._ahead.size)
        runs: list[Run] = []
        try:
            while tree.size < upto:
                runs += await self._grown(tree, upto)
            sealing = self._signed(tree, head)
            await self._ledger.seal(joined(runs), sealing)
        except BaseException:
            self._tree = None  # it has grown past what is kept
            raise
        self._unsealed_since_s = None
        await self._published.write(sealing.note)

    async def _grown(self, tree: Tree, upto: int) -> list[Run]:
        # A tile at a time, so that others get their turn.
        limit = min(upto - tree.size, TILE_WIDTH - tree.size % TILE_WIDTH)
        leaves = await self._ledger.leaves(tree.size, limit)
        if not leaves or seq_of(leaves[-1]) != tree.size + len(leaves):
            raise CheckpointRefused("gap")
        return tree.grow([leaf_hash(leaf) for leaf in leaves])

    def _signed(self, tree: Tree, head: Head) -> Sealing:
        signer, term, root = self._signer, self._leadership.term, tree.root()
        if term is None:
            raise Deposed
        assert signer is not None
        if self._ahead and self._ahead.size == tree.size:
            if self._ahead.root != root:
                raise CheckpointRefused("contradiction")
            self._ahead = None
        checkpoint = Checkpoint(
            origin=origin_of(signer.name, head.epoch),
            size=tree.size,
            root=root,
            epoch=head.epoch,
            at=self._clock_ms(),
        )
        text = note(checkpoint, signer.public, signer.sign(checkpoint.text().encode()))
        return Sealing(size=tree.size, note=text, key=signer.public, term=term)

    # --- what goes wrong

    def _fail(self, reason: str, *, refused: bool = False) -> None:
        self._forget()
        self._telemetry.child("scoreboard_checkpoint_failures_total", reason).inc()
        if self._trouble != reason:
            if refused:
                log().error(Event.CHECKPOINT_REFUSED, reason=reason)
            else:
                log().warning(Event.CHECKPOINT_FAILED, reason=reason)
        self._trouble = reason

    def _succeed(self) -> None:
        if self._trouble:
            log().info(Event.CHECKPOINT_RECOVERED)
        self._trouble = ""

    def _forget(self) -> None:
        self._tree = None
