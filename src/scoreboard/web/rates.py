"""What is left of a rate, as header fields (draft-ietf-httpapi-ratelimit-headers-10)."""

Headers = list[tuple[bytes, bytes]]


def rate_headers(policy: str, limit: int, window_s: int, remaining: int, reset_s: int) -> Headers:
    """``limit`` in ``window_s`` seconds; ``reset_s`` until more than ``remaining`` are left."""
    name = policy.encode()
    return [
        (b"ratelimit-policy", b'"%b";q=%d;w=%d' % (name, limit, window_s)),
        (b"ratelimit", b'"%b";r=%d;t=%d' % (name, remaining, reset_s)),
    ]
