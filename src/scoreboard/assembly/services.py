"""One process's services, by its role."""

import asyncio
import contextlib
import functools
import os
import secrets
import shutil
import socket
import time
from collections.abc import Coroutine
from typing import Any, cast

from msgspec import Struct

from scoreboard.adapters.keys import SigningKeys
from scoreboard.adapters.memory import MemoryRanking
from scoreboard.assembly.backends import (
    NoLedger,
    cautions,
    open_bus,
    open_ledger,
    open_limiter,
    open_ranking,
    open_traces,
    watcher,
)
from scoreboard.assembly.checkpoints import next_term, seal_check_of, sealer_of
from scoreboard.assembly.own_secret import own_secret
from scoreboard.errors import Misconfigured, ScoreboardError
from scoreboard.ports import Bus, Ledger, Limiter, Ranking
from scoreboard.service.announcer import Announcer
from scoreboard.service.answers import Answers
from scoreboard.service.auditor import Auditor, PeriodicAudit
from scoreboard.service.catalogue import Boards, CurrentCatalogue, HeardCatalogue
from scoreboard.service.drift import DriftCheck
from scoreboard.service.fallback import Fallback
from scoreboard.service.feed import FOLLOWER, Feed
from scoreboard.service.frozen import FrozenBoards
from scoreboard.service.group_commit import GroupCommit
from scoreboard.service.health import Health
from scoreboard.service.hub import Hub
from scoreboard.service.leadership import LEASE_MS, Alone, Leadership, Lease
from scoreboard.service.publisher import Publisher
from scoreboard.service.reader import Reader
from scoreboard.service.relay import Relay
from scoreboard.service.scorer import Scorer
from scoreboard.service.sealer import Sealer
from scoreboard.service.signatures import Signatures
from scoreboard.service.timed_limiter import TimedLimiter
from scoreboard.settings import Settings
from scoreboard.telemetry import Event, Telemetry, log

GATEWAY = "gateway"
DEPENDENCIES = ("ledger", "ranking", "bus", "limiter")
EXCLUSIVE_TRIES = 3


class Backends(Struct):
    """What is behind the four ports, and the secret that belongs to the ledger."""

    secret: bytes
    ledger: Ledger
    ranking: Ranking
    bus: Bus
    limiter: Limiter


class Writing(Struct):
    """The way in."""

    catalogue: CurrentCatalogue
    commit: GroupCommit
    scorer: Scorer
    keys: SigningKeys


class Leading(Struct):
    """The way across."""

    leadership: Leadership
    relay: Relay
    publisher: Publisher
    drift: DriftCheck
    sealer: Sealer
    audit: PeriodicAudit
    feed: Feed | None


class Services(Struct):
    """Everything of a process that has a life of its own; a role may lack some of it.

    ``name`` is that of this process, and of no other: the lease and the traces have it.
    """

    name: str
    settings: Settings
    telemetry: Telemetry
    health: Health
    backends: Backends
    boards: Boards
    frozen: FrozenBoards
    answers: Answers
    reader: Reader
    hub: Hub
    announcer: Announcer
    fallback: Fallback
    writing: Writing | None = None
    leading: Leading | None = None

    def tasks(self) -> list[Coroutine[Any, Any, None]]:
        """What runs until the process ends."""
        runs = [self.boards.run(), self.announcer.run(), self.reader.run(), self.fallback.run()]
        if self.settings.role != GATEWAY:
            runs.append(self.frozen.run(self.boards))
        if self.leading:
            leading = self.leading
            runs += [leading.leadership.run(), leading.relay.run(), leading.publisher.run()]
            runs += [leading.drift.run(), leading.sealer.run(), leading.audit.run()]
            runs += [leading.feed.run()] if leading.feed else []
        return runs


def clock_ms() -> int:
    """The time of day in milliseconds."""
    return time.time_ns() // 1_000_000


async def services_of(
    settings: Settings, telemetry: Telemetry, stack: contextlib.AsyncExitStack
) -> Services:
    """The services of the role; what has to be closed is on the stack.

    Raises:
        Misconfigured, Unavailable: it cannot start.
    """
    ensure_sensible(settings)
    health = Health("ranking")
    name = _name()
    telemetry.traces = await open_traces(settings, name, stack) or telemetry.traces
    _watch_itself(settings, health, telemetry)
    backends = await _backends(settings, health, telemetry, stack)
    boards: Boards = HeardCatalogue(backends.bus)
    if settings.role != GATEWAY:
        boards = CurrentCatalogue(backends.ledger)
        await boards.load()
    frozen = FrozenBoards(backends.ledger, MemoryRanking)
    answers = Answers(backends.ledger, backends.ranking, boards, frozen, clock_ms=clock_ms)
    reader = Reader(answers, backends.bus, boards, clock_ms=clock_ms)
    hub = Hub(heartbeat_ms=settings.heartbeat_ms, telemetry=telemetry, clock_ms=clock_ms)
    announcer = Announcer(backends.bus, hub, refresh_ms=settings.refresh_ms, telemetry=telemetry)
    services = Services(
        name=name,
        settings=settings,
        telemetry=telemetry,
        health=health,
        backends=backends,
        boards=boards,
        frozen=frozen,
        answers=answers,
        reader=reader,
        hub=hub,
        announcer=announcer,
        fallback=Fallback(reader, announcer, health),
    )
    if isinstance(boards, CurrentCatalogue):
        if settings.role in ("all", "api"):
            services.writing = await _writing(services, boards)
        if leads(settings):
            services.leading = await _leading(services, boards, stack)
    return services


def ensure_sensible(settings: Settings) -> None:
    """Refuse settings that can only be a mistake.

    Raises:
        Misconfigured: says which.
    """
    if settings.role != "all" and not _many_nodes(settings):
        raise Misconfigured(
            f"ROLE={settings.role} is one of many nodes, which need a RANKING and a BUS that they "
            "share: set both to a server, or ROLE to all."
        )


def leads(settings: Settings) -> bool:
    """Whether a node of this role may lead."""
    return settings.role in ("all", "relay")


def _many_nodes(settings: Settings) -> bool:
    return settings.ranking.shared and settings.bus.shared


def _watch_itself(settings: Settings, health: Health, telemetry: Telemetry) -> None:
    """What is asked for when the metrics are read."""
    for name in DEPENDENCIES:
        gauge = telemetry.child("scoreboard_degraded", name)
        gauge.set_function(lambda name=name: int(name in health.degraded))
    telemetry.child("scoreboard_ready").set_function(lambda: int(health.ready))
    disk = functools.partial(shutil.disk_usage, settings.data)
    telemetry.child("scoreboard_data_free_bytes").set_function(lambda: disk().free)
    telemetry.child("scoreboard_data_size_bytes").set_function(lambda: disk().total)


async def _backends(
    settings: Settings, health: Health, telemetry: Telemetry, stack: contextlib.AsyncExitStack
) -> Backends:
    ledger = cast("Ledger", NoLedger())
    if settings.role != GATEWAY:
        waits = telemetry.child("scoreboard_pool_wait_seconds", settings.ledger.scheme)
        opened = open_ledger(settings, observe=watcher(health, "ledger"), waited=waits.observe)
        ledger = await stack.enter_async_context(opened)
        for sentence in cautions(ledger):
            log().warning(Event.LEDGER_CAUTION, says=sentence)
    # Before anything that others would notice, such as taking the lead.
    secret = await own_secret(settings, None if settings.role == GATEWAY else ledger)
    limiter = await open_limiter(settings.limiter, watcher(health, "limiter"), stack)
    if settings.limiter.shared:
        limiter = TimedLimiter(limiter, telemetry)
    return Backends(
        secret=secret,
        ledger=ledger,
        ranking=await open_ranking(settings.ranking, watcher(health, "ranking"), stack),
        bus=await open_bus(settings.bus, watcher(health, "bus"), stack, feeds=leads(settings)),
        limiter=limiter,
    )


async def _writing(services: Services, catalogue: CurrentCatalogue) -> Writing:
    settings, backends = services.settings, services.backends
    commit = GroupCommit(
        backends.ledger,
        catalogue,
        group_max=settings.group_max,
        queue_max=settings.queue_max,
        clock_ms=clock_ms,
        health=services.health,
        telemetry=services.telemetry,
    )
    keys = SigningKeys(backends.secret)
    scorer = Scorer(
        backends.ledger,
        commit,
        backends.limiter,
        catalogue,
        Signatures(catalogue, settings.audience, keys.verify, services.telemetry),
        user_rate=settings.user_rate,
        service_rate=settings.service_rate,
        clock_ms=clock_ms,
        random=os.urandom,
        telemetry=services.telemetry,
    )
    await scorer.remember()
    return Writing(catalogue, commit, scorer, keys)


async def _leading(
    services: Services, catalogue: CurrentCatalogue, stack: contextlib.AsyncExitStack
) -> Leading:
    backends, telemetry = services.backends, services.telemetry
    leadership = await _leadership(services, stack)
    feeds = services.settings.bus.scheme == "kafka"
    publisher = Publisher(
        services.answers,
        backends.bus,
        catalogue,
        health=services.health,
        telemetry=telemetry,
    )
    relay = Relay(
        backends.ledger,
        backends.ranking,
        publisher,
        catalogue,
        leadership,
        clock_ms=clock_ms,
        telemetry=telemetry,
        tells_names=(FOLLOWER,) if feeds else (),
    )
    drift = DriftCheck(
        backends.ledger,
        backends.ranking,
        catalogue,
        leadership,
        distrust=relay.distrust,
        telemetry=telemetry,
    )
    settings = services.settings
    seals = seal_check_of(settings, backends.ledger)
    audit = PeriodicAudit(
        Auditor(backends.ledger, backends.ranking, seals, holds=settings.audit_holds),
        backends.ledger,
        leadership,
        every_s=settings.audit_every,
        telemetry=telemetry,
    )
    feed = None
    if feeds:
        feed = Feed(
            backends.ledger, backends.bus, leadership, clock_ms=clock_ms, telemetry=telemetry
        )
    sealer = await sealer_of(
        services.settings, backends.ledger, leadership, clock_ms=clock_ms, telemetry=telemetry
    )
    return Leading(leadership, relay, publisher, drift, sealer, audit, feed)


async def _leadership(services: Services, stack: contextlib.AsyncExitStack) -> Leadership:
    settings, ledger = services.settings, services.backends.ledger
    if not settings.ledger.shared and not settings.ranking.shared:
        services.telemetry.child("scoreboard_leader").set(1)
        return Alone(await next_term(ledger, clock_ms()))
    lease = Lease(ledger, services.name, services.telemetry)
    stack.push_async_callback(_resign, lease)
    if not _many_nodes(settings):
        await _ensure_only(lease)
    return lease


async def _ensure_only(lease: Lease) -> None:
    """Wait for the lease of a node that was killed; a living one keeps it.

    Raises:
        Misconfigured: another node is at work on this ledger.
    """
    for _ in range(EXCLUSIVE_TRIES):
        await lease.renew()
        if lease.term is not None:
            return
        await asyncio.sleep(LEASE_MS / 1000 * 0.6)
    raise Misconfigured(
        "Another node works on this ledger. Many nodes need a RANKING and a BUS that they share: "
        "set both to a server, on all nodes; or stop the other node."
    )


async def _resign(lease: Lease) -> None:
    with contextlib.suppress(ScoreboardError):
        await lease.resign()


def _name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
