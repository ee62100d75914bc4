"""Keys never show themselves, and serve only the tokens that name them."""

import pytest

from scoreboard.core.ed25519 import is_weak
from scoreboard.core.token import Algorithm, VerificationKey

PRIME = 2**255 - 19
D = -121665 * pow(121666, -1, PRIME) % PRIME
Point = tuple[int, int]


def test_a_key_never_shows_its_material() -> None:
    key = VerificationKey("a", Algorithm.HS256, b"do-not-print-me-do-not-print-me!")
    assert repr(key) == "VerificationKey(kid='a', algorithm='HS256')"
    assert "print" not in str(key) + str(key.__rich_repr__())


@pytest.mark.parametrize(
    ("own", "asked", "serves"),
    [("a", "a", True), ("a", "b", False), ("a", None, True), (None, "b", True), ("", "b", False)],
)
def test_a_key_serves_tokens_of_its_kid(own: str | None, asked: str | None, serves: bool) -> None:
    key = VerificationKey(own, Algorithm.HS256, b"")
    assert key.serves(asked, Algorithm.HS256) is serves
    assert not key.serves(asked, Algorithm.RS256)


def added(first: Point, second: Point) -> Point:
    (x1, y1), (x2, y2) = first, second
    product = D * x1 * x2 * y1 * y2 % PRIME
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, PRIME)
    y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, PRIME)
    return x % PRIME, y % PRIME


def xs(y: int) -> list[int]:
    square = (y * y - 1) * pow(D * y * y + 1, -1, PRIME) % PRIME
    root = pow(square, (PRIME + 3) // 8, PRIME)
    if root * root % PRIME != square:
        root = root * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    return sorted({root, -root % PRIME}) if root * root % PRIME == square else []


def order(point: Point) -> int:
    count, total = 1, point
    while total != (0, 1) and count <= 8:
        total, count = added(total, point), count + 1
    return count


def test_the_small_orders_are_all_known() -> None:
    eighth = int.from_bytes(
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
    )
    heights = [0, 1, PRIME - 1, eighth, PRIME - eighth]
    points = [(x, y) for y in heights for x in xs(y)]
    assert sorted(order(point) for point in points) == [1, 2, 4, 4, 8, 8, 8, 8]
    for x, y in points:
        assert is_weak((y | (x & 1) << 255).to_bytes(32, "little"))


@pytest.mark.parametrize("y", [PRIME, PRIME + 1, PRIME + 9, 2**255 - 1])
def test_a_key_with_a_second_spelling_is_weak(y: int) -> None:
    assert is_weak(y.to_bytes(32, "little"))
    assert is_weak((y | 1 << 255).to_bytes(32, "little"))


def test_other_keys_are_not_weak() -> None:
    base = 4 * pow(5, -1, PRIME) % PRIME
    assert not is_weak(base.to_bytes(32, "little"))
    assert is_weak(base.to_bytes(33, "little"))
    assert is_weak(b"")
