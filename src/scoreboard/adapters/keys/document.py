"""What a key document holds: a JWKS, PEM public keys or one secret, and none of it weak."""

import base64
import re
from collections.abc import Iterator, Sequence

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from scoreboard.core.ed25519 import is_weak
from scoreboard.core.token import (
    ALGORITHM_NAMES,
    SECRET_MIN_BYTES,
    Algorithm,
    VerificationKey,
)

DOCUMENT_MAX_BYTES = 65_536
KEYS_MAX = 64
RSA_BITS_MIN, RSA_BITS_MAX = 2048, 8192
SECRET_MIN_DISTINCT = 8

_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)


class Jwk(msgspec.Struct):
    """The members of a JSON Web Key (RFC 7517, 7518, 8037) that matter here."""

    kty: str
    kid: str | None = None
    use: str | None = None
    alg: str | None = None
    key_ops: list[str] | None = None
    crv: str = ""
    n: str = ""
    e: str = ""
    x: str = ""
    y: str = ""
    k: str = ""
    d: str | None = None
    p: str | None = None
    q: str | None = None
    dp: str | None = None
    dq: str | None = None
    qi: str | None = None

    def is_private(self) -> bool:
        return any(each is not None for each in (self.d, self.p, self.q, self.dp, self.dq, self.qi))


class JwkSet(msgspec.Struct):
    """A JWKS; each key is judged alone, so that a strange one spoils no other."""

    keys: list[msgspec.Raw]


class UnusableKeyError(ValueError):
    """A key that must not verify tokens; the message says why and never shows the key."""


def keys_of_document(document: bytes) -> Iterator[VerificationKey]:
    """The keys of a file that the operator chose; one line break after a secret does not count.

    Raises: UnusableKeyError, if any of them is.
    """
    if not document.strip():
        raise UnusableKeyError("it is empty")
    if len(document) > DOCUMENT_MAX_BYTES:
        raise UnusableKeyError("it is larger than 64 KiB")
    if document.lstrip().startswith(b"{"):
        yield from map(_key_of_jwk, _jwks(document))
    elif b"-----BEGIN " in document:
        yield from _keys_of_pem(document)
    else:
        yield _key_of_secret(document.removesuffix(b"\n").removesuffix(b"\r"), None)


def published_keys(document: bytes) -> Sequence[VerificationKey]:
    """The keys of a set that anybody can read, without its secrets and private keys.

    Raises: UnusableKeyError, if no usable one is left.
    """
    keys = []
    for raw in _jwks(document):
        try:
            key = _key_of_jwk(raw)
        except UnusableKeyError:
            continue
        if key.algorithm is not Algorithm.HS256:
            keys.append(key)
    if not keys:
        raise UnusableKeyError("it holds no key that can verify tokens")
    return keys


def _jwks(document: bytes) -> list[msgspec.Raw]:
    try:
        keys = msgspec.json.decode(document, type=JwkSet).keys
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise UnusableKeyError('it is not a JWKS, {"keys": [...]}') from error
    if not 1 <= len(keys) <= KEYS_MAX:
        raise UnusableKeyError(f"a JWKS must hold 1 to {KEYS_MAX} keys")
    return keys


def _key_of_jwk(raw: msgspec.Raw) -> VerificationKey:
    try:
        jwk = msgspec.json.decode(raw, type=Jwk)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise UnusableKeyError("a key in it is not a JSON Web Key") from error
    if jwk.is_private():
        raise UnusableKeyError("it holds a private key; give the public key")
    if jwk.use not in (None, "sig") or (jwk.key_ops is not None and "verify" not in jwk.key_ops):
        raise UnusableKeyError("a key in it is not meant to verify signatures")
    key = _imported(jwk)
    if jwk.alg is not None and ALGORITHM_NAMES.get(jwk.alg) is not key.algorithm:
        raise UnusableKeyError("the alg of a key in it is not Ed25519, ES256, RS256 or HS256")
    return key


def _imported(jwk: Jwk) -> VerificationKey:
    try:
        match jwk.kty, jwk.crv:
            case "oct", _:
                padded = jwk.k + "=" * (-len(jwk.k) % 4)
                return _key_of_secret(base64.b64decode(padded, b"-_", validate=True), jwk.kid)
            case "RSA", _:
                numbers = RSAKey.binding.import_public_key({"n": jwk.n, "e": jwk.e})
                return _key_of_public(numbers, jwk.kid)
            case "EC", "P-256":
                point = ECKey.binding.import_public_key({"crv": "P-256", "x": jwk.x, "y": jwk.y})
                return _key_of_public(point, jwk.kid)
            case "OKP", "Ed25519":
                edwards = OKPKey.binding.import_public_key({"crv": "Ed25519", "x": jwk.x})
                return _key_of_public(edwards, jwk.kid)
    except (JoseError, UnsupportedAlgorithm, TypeError, ValueError) as error:
        if isinstance(error, UnusableKeyError):
            raise
        raise UnusableKeyError("a key in it is damaged") from error
    raise UnusableKeyError("a key in it is not of type RSA, EC P-256, OKP Ed25519 or oct")


def _keys_of_pem(document: bytes) -> Iterator[VerificationKey]:
    blocks = list(_PEM.finditer(document))
    if not 1 <= len(blocks) <= KEYS_MAX:
        raise UnusableKeyError(f"it must hold 1 to {KEYS_MAX} whole PEM blocks")
    for block in blocks:
        label = block[1]
        if label.endswith(b"PRIVATE KEY"):
            raise UnusableKeyError("it holds a private key; give the public key")
        if not label.endswith(b"PUBLIC KEY"):
            raise UnusableKeyError("a PEM block in it is not a PUBLIC KEY")
        try:
            public_key = load_pem_public_key(block[0])
        except (UnsupportedAlgorithm, ValueError) as error:
            raise UnusableKeyError("a PEM block in it is damaged") from error
        yield _key_of_public(public_key, None)


def _key_of_public(public_key: object, kid: str | None) -> VerificationKey:
    match public_key:
        case RSAPublicKey(key_size=bits):
            if not RSA_BITS_MIN <= bits <= RSA_BITS_MAX:
                raise UnusableKeyError("an RSA key must have 2048 to 8192 bits")
            algorithm = Algorithm.RS256
        case EllipticCurvePublicKey() if public_key.curve.name == "secp256r1":
            algorithm = Algorithm.ES256
        case Ed25519PublicKey() if not is_weak(public_key.public_bytes_raw()):
            algorithm = Algorithm.ED25519
        case _:
            raise UnusableKeyError("a key in it is weak, or not RSA, P-256 or Ed25519")
    material = public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return VerificationKey(kid, algorithm, material)


def _key_of_secret(secret: bytes, kid: str | None) -> VerificationKey:
    if len(secret) < SECRET_MIN_BYTES:
        raise UnusableKeyError(f"a secret must have {SECRET_MIN_BYTES} bytes or more")
    if len(set(secret)) < SECRET_MIN_DISTINCT:
        raise UnusableKeyError("the secret is too regular; make one with: openssl rand -hex 32")
    if _is_public(secret):
        raise UnusableKeyError("the secret looks like a public key, which everybody knows")
    return VerificationKey(kid, Algorithm.HS256, secret)


def _is_public(secret: bytes) -> bool:
    if b"-----BEGIN " in secret or b"ssh-" in secret or b"ecdsa-sha2-" in secret:
        return True
    try:
        load_der_public_key(secret)
    except (UnsupportedAlgorithm, ValueError):
        return False
    return True
