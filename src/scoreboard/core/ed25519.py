"""Ed25519 public keys under which anybody can sign, and how to tell them."""

KEY_BYTES = 32

_PRIME = 2**255 - 19
# The curve has eight points whose order divides 8; these are the heights of them all.
# Source: RFC 8032, section 5.1 (the curve), solved for 8P = identity.
_EIGHTH = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER_Y = frozenset({0, 1, _PRIME - 1, _EIGHTH, _PRIME - _EIGHTH})


def is_weak(public_key: bytes) -> bool:
    """Whether this public key has a small order or is not canonically encoded.

    Libraries verify forged signatures under keys of small order, so such a key must never be
    registered.
    """
    y = int.from_bytes(public_key, "little") & (2**255 - 1)
    return len(public_key) != KEY_BYTES or y >= _PRIME or y in _SMALL_ORDER_Y
