"""It is promised that the page shows the newest board to everybody, whatever the screen."""

import re
import zlib
from random import Random

import pytest
from playwright.sync_api import Page, expect

from scoreboard.web import pages
from tests.acceptance.browser import OpenPage, chromium, open_page, violations
from tests.acceptance.stage import (
    SOON_MS,
    STATUS,
    USERS,
    Stage,
    connect,
    shared,
    stage,
    top,
)

__all__ = ["chromium", "open_page", "shared", "stage"]

JAVASCRIPT_MAX_BYTES = 25_000
SHIFT_MAX = 0.005
LAPTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
SCREENS = {
    "light": ({"color_scheme": "light", "viewport": LAPTOP}, {}, ""),
    "dark": ({"color_scheme": "dark", "viewport": LAPTOP}, {"user": "ada"}, ""),
    "phone": ({"color_scheme": "dark", "viewport": PHONE}, {"user": "ada"}, ""),
    "rtl": ({"color_scheme": "light", "viewport": LAPTOP, "locale": "ar-EG"}, {}, "rtl"),
    "kiosk": ({"color_scheme": "dark", "viewport": LAPTOP}, {"kiosk": ""}, ""),
    "overlay": ({"viewport": {"width": 640, "height": 480}}, {"overlay": "", "limit": "5"}, ""),
}
SPAN = re.compile(r"\d+[hms]( \d+[ms])?")
SCORES = "score-board .rows .row:not([aria-hidden]) .score"
HOSTILE = ["a|b+c@x", "Z" * 128, "x:y.z_-|+@", "0"]
ROWS = [(f"user-{number}", 1_000 - number) for number in range(10)]
SHIFTS = """
window.shifts = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shifts += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
VIOLATIONS = """
window.broken = [];
addEventListener("securitypolicyviolation", (event) => window.broken.push(event.violatedDirective));
"""


@pytest.mark.parametrize("screen", SCREENS)
def test_nobody_is_shut_out(open_page: OpenPage, stage: Stage, screen: str) -> None:
    options, query, direction = SCREENS[screen]
    # Who is followed and has no score is not found: the browser logs each such answer.
    with open_page("404", **options) as page:
        page.add_init_script(VIOLATIONS)
        stage.show(page, **query)
        page.evaluate(f"document.documentElement.dir = '{direction}'")
        expect(page.locator(".empty")).to_be_visible()
        assert violations(page) == []
        stage.award("ada")
        expect(page.locator(USERS)).to_have_text(["ada"], timeout=SOON_MS)
        settle(page)
        assert violations(page) == []
        assert page.evaluate("broken") == []


def test_a_state_has_contrast_too(open_page: OpenPage, stage: Stage) -> None:
    stage.award("ada")
    stage.set(frozen=True)
    for scheme in ("light", "dark"):
        with open_page(color_scheme=scheme) as page:
            stage.show(page)
            expect(page.locator(STATUS)).to_contain_text("Frozen since", timeout=SOON_MS)
            expect(page.locator("score-board [role=status]")).to_contain_text("Frozen since")
            assert violations(page) == []


@pytest.mark.parametrize("viewport", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_nothing_shifts_while_it_loads_and_rows_move(
    open_page: OpenPage, stage: Stage, viewport: dict[str, int]
) -> None:
    stage.award("user-3")
    random = Random(1)
    with open_page(viewport=viewport) as page:
        page.add_init_script(SHIFTS)
        connections = connect(page, stage)
        for seq in range(2, 40):
            rows = [(name, score + random.randrange(9_000)) for name, score in ROWS]
            connections[0].send(top(seq, sorted(rows, key=lambda row: -row[1])))
        newest = sorted(rows, key=lambda row: -row[1])
        expect(page.locator(USERS)).to_have_text([user for user, _ in newest])
        connections[0].close(code=1011)
        expect(page.locator(STATUS)).to_contain_text("board as of")
        settle(page)
        assert page.evaluate("shifts") < SHIFT_MAX


def test_a_second_tab_shows_an_award_within_a_second(open_page: OpenPage, stage: Stage) -> None:
    with open_page() as page:
        stage.show(page)
        second = page.context.new_page()
        stage.show(second)
        stage.award("grace")
        for tab in (page, second):
            expect(tab.locator(USERS)).to_have_text(["grace"], timeout=SOON_MS)


def test_it_works_without_javascript(open_page: OpenPage, stage: Stage) -> None:
    stage.award("ada")
    with open_page(java_script_enabled=False) as page:
        page.goto(stage.address())
        expect(page.locator("tbody th")).to_have_text(["ada"])
        expect(page.get_by_text("reload to update")).to_be_visible()
        expect(page.get_by_text("Frozen since")).to_have_count(0)
        stage.set(frozen=True)
        page.reload()
        expect(page.get_by_text("Frozen since")).to_be_visible()
        page.get_by_role("link", name="All time").click()
        expect(page.locator("tbody th")).to_have_text(["ada"])


def test_the_first_board_stands_where_the_element_draws_it(
    open_page: OpenPage, stage: Stage
) -> None:
    stage.award("ada")
    places = []
    for user, script in (("tbody th", False), (USERS, True)):
        with open_page(java_script_enabled=script, viewport=LAPTOP) as page:
            page.goto(stage.address())
            box = page.locator(user).bounding_box(timeout=SOON_MS)
            assert box is not None
            places.append(box["x"])
    assert places[0] == pytest.approx(places[1], abs=2)


def test_strange_names_are_shown_as_they_are(open_page: OpenPage, stage: Stage) -> None:
    for user in HOSTILE:
        stage.award(user)
    with open_page(viewport={"width": 320, "height": 640}) as page:
        stage.show(page)
        expect(page.locator(USERS)).to_have_count(len(HOSTILE))
        assert sorted(page.locator(USERS).all_text_contents()) == sorted(HOSTILE)
        assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_markup_in_a_frame_stays_text(open_page: OpenPage, stage: Stage) -> None:
    evil = "<img src=x onerror=document.title='owned'>"
    with open_page() as page:
        connections = connect(page, stage)
        connections[0].send(top(2, [(evil, 7)]))
        expect(page.locator(USERS)).to_have_text([evil])
        assert page.locator("score-board img").count() == 0


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
@pytest.mark.parametrize("seed", range(3))
def test_after_any_frames_the_newest_is_shown(
    open_page: OpenPage, stage: Stage, seed: int, motion: str
) -> None:
    random = Random(seed)
    names = [f"user-{number}" for number in range(16)]
    frames = [
        [
            (name, random.randrange(-50, 5_000))
            for name in random.sample(names, random.randrange(11))
        ]
        for _ in range(40)
    ]
    frames = [sorted(rows, key=lambda row: -row[1]) for rows in frames]
    order = list(range(len(frames)))
    random.shuffle(order)
    with open_page(reduced_motion=motion) as page:
        connections = connect(page, stage)
        for index in order:
            connections[0].send(top(index + 1, frames[index]))
        newest = frames[-1]
        expect(page.locator(USERS)).to_have_text([user for user, _ in newest])
        scores = [f"{score:,}" for _, score in newest]
        expect(page.locator(SCORES)).to_have_text(scores)


def test_reduced_motion_moves_nothing(open_page: OpenPage, stage: Stage) -> None:
    moving = (
        "document.querySelector('score-board').shadowRoot.getAnimations()"
        ".filter(({effect}) => effect.getKeyframes().some(({transform}) => transform)).length"
    )
    with open_page(reduced_motion="reduce") as page:
        connections = connect(page, stage)
        connections[0].send(top(2, [("ada", 2), ("grace", 1)]))
        connections[0].send(top(3, [("grace", 3), ("ada", 2)]))
        expect(page.locator(USERS)).to_have_text(["grace", "ada"])
        assert page.evaluate(moving) == 0


def test_our_javascript_stays_small() -> None:
    scripts = [file for name, file in pages.STATIC_FILES.items() if name.endswith(".js")]
    assert sum(len(file.body) for file in scripts) < JAVASCRIPT_MAX_BYTES


# --- what has changed


def test_a_row_says_how_far_it_moved_and_what_it_gained(open_page: OpenPage, stage: Stage) -> None:
    with open_page() as page:
        connections = connect(page, stage)
        connections[0].send(top(2, [("ada", 30), ("ben", 20), ("eve", 10)]))
        expect(page.locator(USERS)).to_have_count(3)
        assert marks(page) == {"ada": (" ", ""), "ben": (" ", ""), "eve": (" ", "")}
        connections[0].send(top(3, [("eve", 1_040), ("ada", 30), ("dan", 25)]))
        expect(page.locator(USERS)).to_have_text(["eve", "ada", "dan"])
        assert marks(page) == {"eve": ("up 2", "+1,030"), "ada": ("down 1", ""), "dan": ("new", "")}


def test_changes_close_to_each_other_are_one(open_page: OpenPage, stage: Stage) -> None:
    with open_page() as page:
        page.clock.install()
        connections = connect(page, stage)
        connections[0].send(top(2, [("ada", 30), ("ben", 20), ("eve", 10)]))
        connections[0].send(top(3, [("ada", 30), ("eve", 21), ("ben", 20)]))
        connections[0].send(top(4, [("eve", 31), ("ada", 30), ("ben", 20)]))
        expect(page.locator(USERS)).to_have_text(["eve", "ada", "ben"])
        assert marks(page)["eve"] == ("up 2", "+21")
        page.clock.run_for(7_000)
        connections[0].send(top(5, [("eve", 36), ("ada", 30), ("ben", 20)]))
        expect(page.locator(".gain").first).to_have_text("+5")
        assert marks(page)["eve"] == (" ", "+5")


# --- the forms of the page


def test_tabs_lead_to_boards_and_windows_and_say_when_they_reset(
    open_page: OpenPage, stage: Stage
) -> None:
    stage.award("ada")
    with open_page() as page:
        stage.show(page, user="ada")
        page.get_by_role("link", name=re.compile("Today.*resets in")).click()
        expect(page.locator("score-board .period")).to_contain_text("resets in", timeout=SOON_MS)
        expect(page.locator("[aria-current=page] time")).to_have_text(SPAN)
        assert "period=day" in page.url
        assert "user=ada" in page.url
        assert page.locator("score-board").get_attribute("user") == "ada"


def test_many_boards_are_a_list_that_opens(open_page: OpenPage, stage: Stage) -> None:
    for number in range(6):
        stage.service.put(f"boards/many-{number}", {})
    with open_page() as page:
        stage.show(page)
        page.get_by_text("Quiz night").first.click()
        page.get_by_role("link", name="many-3").click()
        expect(page.get_by_role("heading", name="many-3")).to_be_visible()


def test_the_overlay_is_painted_on_nothing(open_page: OpenPage, stage: Stage) -> None:
    stage.award("ada")
    for scheme in ("light", "dark"):
        with open_page(color_scheme=scheme) as page:
            stage.show(page, overlay="", limit="3")
            assert page.locator("header, footer").count() == 0
            assert first_pixel(page.screenshot(omit_background=True)) == (0, 0, 0, 0)
            places = "getComputedStyle(document.querySelector('score-board').shadowRoot.firstChild)"
            assert page.evaluate(f"{places}.getPropertyValue('--places')") == "3"


def test_numbers_are_written_as_the_reader_writes_them(open_page: OpenPage, stage: Stage) -> None:
    with open_page(locale="de-DE") as page:
        connections = connect(page, stage)
        connections[0].send(top(2, [("ada", 1_234_567)]))
        expect(page.locator("score-board .rows .score")).to_have_text("1.234.567")
        page.evaluate("document.querySelector('score-board').setAttribute('locale', 'ar-EG')")
        connections[0].send(top(3, [("ada", 1_234_568)]))
        expect(page.locator("score-board .rows .score")).to_have_text("١٬٢٣٤٬٥٦٨")
        page.evaluate("document.querySelector('score-board').setAttribute('locale', 'no_such!')")
        expect(page.locator("score-board .rows .score")).to_have_text("1.234.568")


def test_a_span_is_written_in_its_own_direction(open_page: OpenPage, stage: Stage) -> None:
    with open_page(locale="ar-EG") as page:
        stage.show(page, period="day")
        for place in (page.locator("[data-reset=day]"), page.locator("score-board .period")):
            expect(place).to_have_text(re.compile("\u2068[٠-٩]+ \\D+\u2069$"), timeout=SOON_MS)


def test_the_policy_lets_nothing_in_from_elsewhere(stage: Stage) -> None:
    policy = stage.service.get("/").headers["content-security-policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["trusted-types"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert rules["require-trusted-types-for"] == "'script'"


def settle(page: Page) -> None:
    """Until nothing moves: contrast is measured at rest."""
    page.evaluate("""Promise.all(document.querySelector('score-board').shadowRoot.getAnimations()
        .filter(({ effect }) => Number.isFinite(effect.getComputedTiming().endTime))
        .map((animation) => animation.finish()))""")


def marks(page: Page) -> dict[str, tuple[str, str]]:
    """By user: what a screen reader says of the move, and the points."""
    found: dict[str, tuple[str, str]] = page.evaluate("""Object.fromEntries(
        [...document.querySelector('score-board').shadowRoot.querySelectorAll('.row')]
        .filter((row) => !row.ariaHidden)
        .map((row) => [row.querySelector('.user').textContent,
                       [row.querySelector('.move').ariaLabel ?? ' ',
                        row.querySelector('.gain').textContent]]))""")
    return {user: (move, gain) for user, (move, gain) in found.items()}


def first_pixel(png: bytes) -> tuple[int, ...]:
    """Red, green, blue, opacity of the top left corner: no filter changes the first pixel."""
    data, place = b"", 8
    while place < len(png):
        length = int.from_bytes(png[place : place + 4])
        if png[place + 4 : place + 8] == b"IDAT":
            data += png[place + 8 : place + 8 + length]
        place += length + 12
    return tuple(zlib.decompress(data)[1:5])
