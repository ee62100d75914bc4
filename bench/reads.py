"""GET /v1/scoreboard, the board as HTTP: ours and the baseline in turn."""

import contextlib

from bench import server
from bench.load import Load, award, read
from bench.plan import Plan, Section, median, say, table, whole

CONNECTIONS = 64


def reads(plan: Plan) -> Section:
    found: dict[str, list[tuple[float, float, float]]] = {"ours": [], "baseline": []}
    with contextlib.ExitStack() as stack:
        services = {"ours": server.OURS, "baseline": server.BASELINE}
        ports = {}
        for name, service in services.items():
            place = server.new_place(plan.root, plan.secret)
            ports[name] = stack.enter_context(server.running(service, place)).port
            award(Load(ports[name], 16, 1), plan.tokens)
        for _ in range(plan.rounds):
            for name, port in ports.items():
                outcome = read(Load(port, CONNECTIONS, plan.seconds), "/v1/scoreboard")
                found[name].append((outcome.rate, outcome.p50_ms, outcome.p99_ms))
                say(f"  {name:9} {outcome.rate:.0f}/s  p99 {outcome.p99_ms:.2f} ms")
    rows = []
    for name, runs in found.items():
        rate, p50, p99 = (median(values) for values in zip(*runs, strict=True))
        rows.append((name, whole(rate), f"{p50:.2f}", f"{p99:.2f}"))
    head = ("service", "reads/s", "p50 ms", "p99 ms")
    text = f"`GET /v1/scoreboard`, {CONNECTIONS} connections, medians.\n\n"
    return Section("Reads", text + table(head, rows))
