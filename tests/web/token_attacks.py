"""A corpus of bearer tokens that must not be believed, each a variation of a good one."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from scoreboard.core.token import Algorithm, VerificationKey

NOW = 1_800_000_000
DAY_S = 86_400
ISSUER, AUDIENCE = "https://issuer.example", "scoreboard"
SECRET = b"0123456789abcdef0123456789abcdef"

RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()
STRANGER = ed25519.Ed25519PrivateKey.generate()

Signer = Callable[[bytes], bytes]


def pem(private_key: Any) -> bytes:
    return private_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


KEYS = (
    VerificationKey("rsa", Algorithm.RS256, pem(RSA_KEY)),
    VerificationKey("ec", Algorithm.ES256, pem(EC_KEY)),
    VerificationKey("ed", Algorithm.ED25519, pem(ED_KEY)),
    VerificationKey("hs", Algorithm.HS256, SECRET),
)
HEADERS = {
    "rsa": {"alg": "RS256", "typ": "JWT", "kid": "rsa"},
    "ec": {"alg": "ES256", "typ": "JWT", "kid": "ec"},
    "ed": {"alg": "EdDSA", "typ": "JWT", "kid": "ed"},
    "hs": {"alg": "HS256", "typ": "JWT", "kid": "hs"},
}
SIGNING_KEYS = {"rsa": RSA_KEY, "ec": EC_KEY, "ed": ED_KEY, "hs": SECRET}
CLAIMS = {"sub": "alice", "exp": NOW + 3600, "iat": NOW, "iss": ISSUER, "aud": AUDIENCE}


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def hs256(message: bytes, secret: bytes = SECRET) -> bytes:
    return hmac.new(secret, message, hashlib.sha256).digest()


def compact(header: Any, claims: Any, sign: Signer = hs256) -> str:
    """A token of exactly these members; text and bytes are taken as they are."""
    parts = [each if isinstance(each, bytes) else
             (each if isinstance(each, str) else json.dumps(each)).encode()
             for each in (header, claims)]  # fmt: skip
    message = ".".join(map(base64url, parts))
    return f"{message}.{base64url(sign(message.encode()))}"


def good(name: str = "hs", **claims: Any) -> str:
    """A token of the oracle, PyJWT, with some claims changed; None leaves one out."""
    merged = {key: each for key, each in (CLAIMS | claims).items() if each is not None}
    header = HEADERS[name]
    return jwt.encode(merged, SIGNING_KEYS[name], header["alg"], {"kid": header["kid"]})


def attacks() -> dict[str, str]:
    """Every attack by its name."""
    groups = (_algorithms, _headers, _encodings, _claims, _times, _addressees, _signatures)
    return {name: token for group in groups for name, token in group()}


def _algorithms() -> Iterator[tuple[str, str]]:
    hs = HEADERS["hs"]
    for none in ("none", "None", "NONE", "nOnE", "", " none", "none\0"):
        yield f"alg-{none!r}", compact(hs | {"alg": none}, CLAIMS)
        yield f"alg-{none!r}-unsigned", compact(hs | {"alg": none}, CLAIMS, lambda _: b"")
        yield f"alg-{none!r}-no-kid", compact({"alg": none}, CLAIMS, lambda _: b"")
    for alg in ("HS384", "HS512", "RS384", "PS256", "ES384", "ES256K", "Ed448", "hs256", "EDDSA",
                "RSA-OAEP", "dir", None, 1, ["HS256"], {"HS256": 1}, True):  # fmt: skip
        yield f"alg-{alg!r}", compact(hs | {"alg": alg}, CLAIMS)
    yield "alg-missing", compact({"typ": "JWT", "kid": "hs"}, CLAIMS)
    # The classic: the public key, which everybody knows, used as an HMAC secret.
    for name, private_key in (("rsa", RSA_KEY), ("ec", EC_KEY), ("ed", ED_KEY)):
        for spelling in (pem(private_key), pem(private_key).strip()):
            header = HEADERS[name] | {"alg": "HS256"}
            token = compact(header, CLAIMS, lambda message, key=spelling: hs256(message, key))
            yield f"confused-{name}-{len(spelling)}", token
            unnamed = {"alg": "HS256"}
            token = compact(unnamed, CLAIMS, lambda message, key=spelling: hs256(message, key))
            yield f"confused-{name}-{len(spelling)}-no-kid", token
    for name, alg in (("rsa", "EdDSA"), ("ed", "ES256"), ("ec", "RS256"), ("hs", "RS256")):
        yield f"{name}-says-{alg}", compact(HEADERS[name] | {"alg": alg}, CLAIMS)


def _headers() -> Iterator[tuple[str, str]]:
    hs = HEADERS["hs"]
    own = {"kty": "oct", "k": base64url(SECRET), "kid": "hs"}
    for name, value in (("jku", "https://evil.example/jwks"), ("x5u", "https://evil.example/x"),
                        ("jwk", own), ("crit", ["exp"]), ("crit", []), ("b64", True),
                        ("b64", False), ("jku", None)):  # fmt: skip
        yield f"header-{name}-{value!r}", compact(hs | {name: value}, CLAIMS)
    for kid in ("../../etc/passwd", "hs\0", "hs' OR '1'='1", "", "HS", "x" * 1000, "\ud800", 1,
                None, ["hs"], {"kid": "hs"}):  # fmt: skip
        yield f"kid-{str(kid)[:20]!r}", compact(hs | {"kid": kid}, CLAIMS)
    for typ in ("JWE", "application/json", "", "dpop+jwt", "logout+jwt", None, 1, ["JWT"]):
        yield f"typ-{typ!r}", compact(hs | {"typ": typ}, CLAIMS)
    for raw in ("[]", "null", '"HS256"', "", "{", "{}", '{"alg":"HS256"} x', "\ufeff" + "{}",
                '{"alg":"HS256","alg":"HS256","kid":"hs"}', '{"alg":"none","alg":"HS256"}',
                '{"alg":"HS256","kid":"hs","x":{"a":1,"a":2}}', '{"alg":"HS256","x":NaN}',
                "[" * 1500):  # fmt: skip
        yield f"header-raw-{raw[:24]!r}", compact(raw, CLAIMS)
    yield "header-utf-16", compact(json.dumps(hs).encode("utf-16-le"), CLAIMS)
    yield "header-not-utf-8", compact(b'{"alg":"HS256","kid":"hs","x":"\xff"}', CLAIMS)


def _encodings() -> Iterator[tuple[str, str]]:
    token = good()
    header, payload, signature = token.split(".")
    for name, other in {
        "empty": "", "dots": "..", "one-part": header, "stripped": f"{header}.{payload}.",
        "two-parts": f"{header}.{payload}", "four-parts": f"{token}.{signature}",
        "jwe": f"{header}.{payload}.{signature}.{payload}.{signature}",
        "padded": f"{token}=", "padded-payload": f"{header}.{payload}==.{signature}",
        "space-before": f" {token}", "space-after": f"{token} ", "line-feed": f"{token}\n",
        "tab-inside": f"{header}.\t{payload}.{signature}", "nul": f"{token}\0",
        "nul-inside": f"{header}\0.{payload}.{signature}", "bearer": f"Bearer {token}",
        "quoted": f'"{token}"', "bom": f"\ufeff{token}", "surrogate": f"{token}\ud800",
        "full-width": token.replace(".", "\uff0e"), "non-ascii": f"{token}é",
        "truncated": token[:-1], "truncated-2": token[:-2], "truncated-4": token[:-4],
        "longer": f"{token}A", "longer-4": f"{token}AAAA",
        "empty-payload": f"{header}..{signature}",
        "json": json.dumps({"protected": header, "payload": payload, "signature": signature}),
        "too-long": good(pad="x" * 4096), "too-long-by-one": "x" * 4097,
    }.items():  # fmt: skip
        yield f"encoding-{name}", other
    # 32 bytes leave two bits unused in the last character: three other spellings of the same.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(signature[-1])
    for step in (1, 2, 3):
        yield f"encoding-trailing-bits-{step}", token[:-1] + alphabet[last | step]
    yield "encoding-standard-alphabet", compact(
        HEADERS["hs"], json.dumps(CLAIMS | {"jti": "~~~???>>>"})
    ).replace("-", "+").replace("_", "/") + "+/"  # fmt: skip


def _claims() -> Iterator[tuple[str, str]]:
    hs = HEADERS["hs"]
    for raw in ("[]", "null", "1", '"x"', "", "{", "\ufeff{}", "[" * 1500, '{"a":' * 500):
        yield f"claims-raw-{raw[:12]!r}", compact(hs, raw)
    text = json.dumps(CLAIMS)
    yield "claims-duplicate-sub", compact(hs, text[:-1] + ', "sub": "bob"}')
    yield "claims-duplicate-exp", compact(hs, text[:-1] + f', "exp": {NOW + 60}}}')
    yield "claims-duplicate-escaped", compact(hs, text[:-1] + ', "\\u0073ub": "bob"}')
    yield "claims-duplicate-nested", compact(hs, text[:-1] + ', "x": {"a": 1, "a": 1}}')
    yield "claims-trailing", compact(hs, text + "{}")
    yield "claims-utf-16", compact(hs, text.encode("utf-16"))
    yield "claims-not-utf-8", compact(hs, text.encode().replace(b"alice", b"\xffalice"))
    yield "claims-compressed-word", compact(hs | {"zip": "DEF"}, b"x\x9c\x03\x00\x00\x00\x00\x01")
    yield "claims-nested-token", compact(hs | {"cty": "JWT"}, good())
    for sub in ("", " ", "alice ", "alice\n", "alice\0", "älice", "al\u202eice", "\ud800",
                "x" * 129, "_alice", "../alice", "<script>", "a b", 1, True, None, ["alice"],
                {"sub": "alice"}):  # fmt: skip
        yield f"sub-{str(sub)[:16]!r}", compact(hs, CLAIMS | {"sub": sub})
    yield "sub-missing", good(sub=None)
    for scope in (["scores:admin"], 1, None, {"scores:admin": 1}):
        yield f"scope-{scope!r}", compact(hs, CLAIMS | {"scope": scope})


def _times() -> Iterator[tuple[str, str]]:
    hs, text = HEADERS["hs"], json.dumps(CLAIMS)
    yield "exp-missing", good(exp=None)
    for name in ("exp", "iat", "nbf"):
        for value in (str(NOW + 60), True, None, [NOW], {}, -1, float("nan"), float("inf"),
                      -float("inf"), 2**53, 10**400):  # fmt: skip
            token = compact(hs, CLAIMS | {name: value})
            yield f"{name}-{str(value)[:20]}", token
        raw = text[:-1].replace(f'"{name}"', '"other"')
        for number in ("1e999", "-1e999", "0x6b49d200", "+1800000060", "Infinity", "01800000060"):
            yield f"{name}-raw-{number}", compact(hs, f'{raw}, "{name}": {number}}}')
    yield "exp-long-ago", good(exp=NOW - 3600, iat=NOW - 7200)
    yield "exp-at-leeway", good(exp=NOW - 30, iat=NOW - 60)
    yield "exp-zero", good(exp=0, iat=None)
    yield "nbf-after-leeway", good(nbf=NOW + 31)
    yield "iat-after-leeway", good(iat=NOW + 31)
    yield "life-over-a-day", good(iat=NOW, exp=NOW + DAY_S + 1)
    yield "life-over-a-day-old", good(iat=NOW - DAY_S, exp=NOW + 1)
    yield "life-over-a-day-no-iat", good(iat=None, exp=NOW + DAY_S + 31)
    yield "life-for-ever", good(iat=None, exp=2**52)


def _addressees() -> Iterator[tuple[str, str]]:
    hs = HEADERS["hs"]
    for iss in (ISSUER + "/", ISSUER.upper(), "", "https://evil.example", [ISSUER], 1, None,
                ISSUER + "\0", "\ud800"):  # fmt: skip
        yield f"iss-{iss!r}", compact(hs, CLAIMS | {"iss": iss})
    yield "iss-missing", good(iss=None)
    for aud in ("other", "", AUDIENCE.upper(), AUDIENCE + " ", "score", [], ["other"],
                [AUDIENCE, 1], [[AUDIENCE]], {AUDIENCE: 1}, 1, True, None):  # fmt: skip
        yield f"aud-{aud!r}", compact(hs, CLAIMS | {"aud": aud})
    yield "aud-missing", good(aud=None)


def _signatures() -> Iterator[tuple[str, str]]:
    for name, plain in HEADERS.items():
        header, payload, signature = good(name).split(".")
        swapped = base64url(json.dumps(CLAIMS | {"sub": "mallory"}).encode())
        yield f"{name}-swapped-payload", f"{header}.{swapped}.{signature}"
        other = base64url(json.dumps(plain | {"x": 1}).encode())
        yield f"{name}-swapped-header", f"{other}.{payload}.{signature}"
        size = len(base64.urlsafe_b64decode(signature + "=="))
        for filler in (b"\0", b"\1", b"\xff"):
            forged = base64url(filler * size)
            yield f"{name}-filled-{filler!r}", f"{header}.{payload}.{forged}"
        for short in (b"\0", b"\0" * (size - 1), b"\0" * (size + 1)):
            yield f"{name}-short-{len(short)}", f"{header}.{payload}.{base64url(short)}"
    yield "ec-der", compact(HEADERS["ec"], CLAIMS, lambda m: EC_KEY.sign(m, ec.ECDSA(SHA256())))
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    for r, s in ((0, 1), (1, 0), (order, order), (1, order), (order - 1, order - 1)):
        raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        yield f"ec-r{r % 7}-s{s % 7}", compact(HEADERS["ec"], CLAIMS, lambda _, raw=raw: raw)
    # The neutral point with s = 0 satisfies the equation under every key of small order.
    yield "ed-neutral", compact(HEADERS["ed"], CLAIMS, lambda _: b"\1" + bytes(63))
    yield "ed-s-plus-order", compact(HEADERS["ed"], CLAIMS, _malleable)
    yield "ed-stranger", compact(HEADERS["ed"], CLAIMS, STRANGER.sign)
    yield "hs-stranger", compact(HEADERS["hs"], CLAIMS, lambda m: hs256(m, SECRET[::-1]))
    yield "hs-empty-secret", compact(HEADERS["hs"], CLAIMS, lambda m: hs256(m, b""))


def _malleable(message: bytes) -> bytes:
    signature = ED_KEY.sign(message)
    order = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(signature[32:], "little") + order
    return signature[:32] + s.to_bytes(32, "little")
