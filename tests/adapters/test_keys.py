"""Keys from files: what is good is read, what is weak refuses to start with a sentence."""

import asyncio
import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from scoreboard.adapters.keys import KeyChain, KeyFile, LocalKeys, derive, local_secret, mint
from scoreboard.core.token import Algorithm, VerificationKey
from scoreboard.errors import InvalidToken, Misconfigured
from scoreboard.web.tokens import KeySource, TokenVerifier

NOW = 1_800_000_000
SECRET = b"0123456789abcdef0123456789abcdef"
RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()
SMALL = rsa.generate_private_key(65537, 1024)
P384 = ec.generate_private_key(ec.SECP384R1())
ED448 = ed448.Ed448PrivateKey.generate()
DSA = dsa.generate_private_key(1024)
ALGORITHMS = {"RS256": RSA_KEY, "ES256": EC_KEY, "EdDSA": ED_KEY}


def pem(private_key: Any) -> bytes:
    return private_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def private_pem(private_key: Any) -> bytes:
    return private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def jwk(name: str, private_key: Any, *, private: bool = False, **members: Any) -> dict[str, Any]:
    model = jwt.algorithms.get_default_algorithms()[name]
    key = private_key if private else private_key.public_key()
    return {
        "use": "sig",
        **{
            member: each
            for member, each in model.to_jwk(key, as_dict=True).items()
            if member != "key_ops"
        },
        **members,
    }


def secret_jwk(secret: bytes, **members: Any) -> dict[str, Any]:
    return {"kty": "oct", "k": base64.urlsafe_b64encode(secret).rstrip(b"=").decode(), **members}


def jwks(*keys: Any) -> bytes:
    return json.dumps({"keys": keys}).encode()


def token(alg: str, key: Any, kid: str | None = None, **claims: Any) -> str:
    merged = {"sub": "alice", "exp": NOW + 60} | claims
    return jwt.encode(merged, key, alg, {"kid": kid} if kid else None)


async def subject(source: KeySource, text: str) -> str | None:
    verifier = TokenVerifier(source, issuer=None, audience=None, clock=lambda: NOW, cache_max=0)
    try:
        return (await verifier.verify(text)).subject
    except InvalidToken:
        return None


class Stage:
    """A key file, a clock, and the events that were observed."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "jwt.keys"
        self.now = 0.0
        self.events: list[str] = []

    def opened(self, document: bytes) -> KeyFile:
        self.path.write_bytes(document)
        return KeyFile(self.path, clock=lambda: self.now, observe=self.events.append)

    def replace(self, document: bytes) -> None:
        draft = self.path.with_suffix(".new")
        draft.write_bytes(document)
        draft.replace(self.path)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.mark.parametrize("alg", ALGORITHMS)
async def test_a_pem_public_key_serves_any_kid(stage: Stage, alg: str) -> None:
    key = ALGORITHMS[alg]
    source = stage.opened(b"a comment\n" + pem(key))
    assert await subject(source, token(alg, key)) == "alice"
    assert await subject(source, token(alg, key, "whatever")) == "alice"


async def test_several_pem_keys_allow_a_rotation(stage: Stage) -> None:
    source = stage.opened(b"".join(map(pem, ALGORITHMS.values())))
    for alg, key in ALGORITHMS.items():
        assert await subject(source, token(alg, key)) == "alice"


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
async def test_a_line_break_after_a_secret_does_not_count(stage: Stage, ending: bytes) -> None:
    source = stage.opened(SECRET + ending)
    assert await subject(source, token("HS256", SECRET)) == "alice"


async def test_a_jwks_holds_keys_of_every_kind(stage: Stage) -> None:
    keys = [jwk(alg, key, kid=alg, alg=alg) for alg, key in ALGORITHMS.items()]
    source = stage.opened(jwks(*keys, secret_jwk(SECRET, kid="HS256", key_ops=["verify"])))
    for alg, key in {**ALGORITHMS, "HS256": SECRET}.items():
        assert await subject(source, token(alg, key, alg)) == "alice"
        assert await subject(source, token(alg, key)) == "alice"
        assert await subject(source, token(alg, key, "other")) is None


WEAK = {
    "empty": (b"", "empty"),
    "blank": (b" \n\n", "empty"),
    "huge": (b"x" * 65_537, "64 KiB"),
    "short-secret": (SECRET[:31] + b"\n", "32 bytes"),
    "regular-secret": (b"changeme" * 8, "too regular"),
    "private-pem": (private_pem(RSA_KEY), "give the public key"),
    "private-pem-after-a-public-one": (pem(RSA_KEY) + private_pem(ED_KEY), "give the public key"),
    "half-pem": (pem(RSA_KEY)[:200], "PEM block"),
    "damaged-pem": (pem(EC_KEY).replace(b"\nM", b"\nX"), "damaged"),
    "certificate": (
        b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n",
        "PUBLIC KEY",
    ),
    "small-rsa": (pem(SMALL), "2048"),
    "wrong-curve": (pem(P384), "P-256"),
    "ed448": (pem(ED448), "Ed25519"),
    "dsa": (pem(DSA), "RSA"),
    "der": (RSA_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1), "public key"),
    "ssh": (ED_KEY.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH), "public key"),
    "not-json": (b"{keys}", "not a JWKS"),
    "no-keys": (b"{}", "not a JWKS"),
    "lone-jwk": (json.dumps(jwk("RS256", RSA_KEY)).encode(), "not a JWKS"),
    "deep": (b'{"keys":' + b"[" * 60_000, "not a JWKS"),
    "no-key": (jwks(), "1 to 64"),
    "too-many": (jwks(*[secret_jwk(SECRET)] * 65), "1 to 64"),
    "not-a-jwk": (jwks(1), "not a JSON Web Key"),
    "jwk-unknown-kty": (jwks({"kty": "AKP"}), "not of type"),
    "jwk-wrong-curve": (jwks(jwk("ES384", P384)), "not of type"),
    "jwk-off-the-curve": (jwks(jwk("ES256", EC_KEY) | {"y": "AAAA"}), "damaged"),
    "jwk-empty": (jwks({"kty": "RSA"}), "damaged"),
    "jwk-no-curve": (jwks({"kty": "EC"}), "not of type"),
    "jwk-short-okp": (jwks({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}), "damaged"),
    "jwk-small-order": (jwks({"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}), "weak"),
    "jwk-small-rsa": (jwks(jwk("RS256", SMALL)), "2048"),
    "jwk-wrong-alg": (jwks(jwk("RS256", RSA_KEY, alg="RS512")), "the alg"),
    "jwk-other-alg": (jwks(jwk("RS256", RSA_KEY, alg="HS256")), "the alg"),
    "jwk-encryption": (jwks(jwk("RS256", RSA_KEY, use="enc")), "not meant"),
    "jwk-signing-only": (jwks(jwk("RS256", RSA_KEY, key_ops=["sign"])), "not meant"),
    "jwk-short-secret": (jwks(secret_jwk(SECRET[:31])), "32 bytes"),
    "jwk-secret-is-public": (jwks(secret_jwk(pem(RSA_KEY))), "public key"),
    "jwk-secret-damaged": (jwks({"kty": "oct", "k": "!" * 64}), "damaged"),
    **{
        f"jwk-private-{alg}": (jwks(jwk(alg, key, private=True)), "give the public key")
        for alg, key in ALGORITHMS.items()
    },
}


@pytest.mark.parametrize("case", WEAK)
def test_a_weak_or_wrong_key_file_refuses_to_start(stage: Stage, case: str) -> None:
    document, reason = WEAK[case]
    with pytest.raises(Misconfigured) as refusal:
        stage.opened(document)
    sentence = str(refusal.value)
    assert sentence.startswith(f"JWT_KEYS: {stage.path}: ")
    assert sentence.endswith(".")
    assert reason in sentence
    assert SECRET[:31].decode() not in sentence
    assert "changeme" not in sentence


def test_a_missing_key_file_refuses_to_start(stage: Stage) -> None:
    for path in (stage.path, stage.path.parent):
        with pytest.raises(Misconfigured, match="directory"):
            KeyFile(path, clock=lambda: 0.0, observe=stage.events.append)


async def test_a_changed_file_is_read_again_after_five_seconds(stage: Stage) -> None:
    source = stage.opened(pem(RSA_KEY))
    old, new = token("RS256", RSA_KEY), token("EdDSA", ED_KEY)
    stage.replace(pem(ED_KEY))
    stage.now = 4.9
    assert [await subject(source, old), await subject(source, new)] == ["alice", None]
    stage.now = 5.0
    assert [await subject(source, old), await subject(source, new)] == [None, "alice"]
    assert stage.events == ["refreshed"]


async def test_a_bad_new_version_leaves_the_keys_and_is_reported(stage: Stage) -> None:
    source = stage.opened(pem(RSA_KEY))
    stage.replace(b"half a")
    for stage.now in (5.0, 10.0):
        assert await subject(source, token("RS256", RSA_KEY)) == "alice"
    stage.path.unlink()
    stage.now = 15.0
    assert await subject(source, token("RS256", RSA_KEY)) == "alice"
    assert stage.events == ["failed"] * 3
    stage.replace(pem(ED_KEY))
    stage.now = 20.0
    assert await subject(source, token("EdDSA", ED_KEY)) == "alice"
    assert stage.events[3:] == ["refreshed"]


async def test_a_chain_asks_on_only_while_nobody_holds_the_kid(stage: Stage) -> None:
    class Counted:
        asked = 0

        async def candidates(
            self, kid: str | None, algorithm: Algorithm
        ) -> tuple[VerificationKey, ...]:
            self.asked += 1
            return (VerificationKey("b", Algorithm.ED25519, pem(ED_KEY)),)

    second = Counted()
    chain = KeyChain(stage.opened(jwks(jwk("RS256", RSA_KEY, kid="a"))), second)
    assert await subject(chain, token("RS256", RSA_KEY, "a")) == "alice"
    assert second.asked == 0
    assert await subject(chain, token("RS256", RSA_KEY)) == "alice"
    assert await subject(chain, token("EdDSA", ED_KEY, "b")) == "alice"
    assert second.asked == 2


def test_the_first_start_makes_a_secret_that_only_we_can_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "data" / "secret"
    secret = local_secret(path)
    assert len(secret) >= 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert local_secret(path) == secret
    assert os.listdir(path.parent) == ["secret"]  # noqa: PTH208 - hidden files count
    assert local_secret(tmp_path / "other") != secret


def test_processes_that_start_at_once_share_one_secret(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from scoreboard.adapters.keys import local_secret;"
        "print('ready', flush=True); sys.stdin.readline();"
        "print(local_secret(Path(sys.argv[1])).hex())"
    )
    pipe = subprocess.PIPE
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "secret")], stdin=pipe, stdout=pipe
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
    answers = {process.communicate(timeout=30)[0] for process in processes}
    assert [process.returncode for process in processes] == [0] * 4
    assert len(answers) == 1
    assert bytes.fromhex(answers.pop().decode()) == local_secret(tmp_path / "secret")


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o660, 0o644, 0o601, 0o620])
def test_a_secret_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secret"
    path.write_bytes(SECRET)
    path.chmod(mode)
    with pytest.raises(Misconfigured, match="chmod 600"):
        local_secret(path)


@pytest.mark.parametrize("content", [b"", b"\n", SECRET[:31], SECRET[:31] + b"\n", b"x" * 5000])
def test_a_secret_of_the_wrong_size_is_refused_and_not_shown(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(Misconfigured) as refusal:
        local_secret(path)
    assert SECRET[:8].decode() not in str(refusal.value)
    assert path.read_bytes() == content


def test_what_is_no_file_is_no_secret(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured):
        local_secret(tmp_path)
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(Misconfigured, match="regular file"):
        local_secret(tmp_path / "pipe")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Misconfigured, match="SECRET_FILE"):
        local_secret(tmp_path / "file" / "secret")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_secret_of_somebody_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(SECRET)
    path.chmod(0o600)
    os.chown(path, 12345, 12345)
    with pytest.raises(Misconfigured, match="somebody else"):
        local_secret(path)


def test_each_purpose_has_a_key_of_its_own() -> None:
    keys = [derive(SECRET, purpose) for purpose in ("token", "cursor", "log", "fingerprint")]
    assert len(set(keys)) == 4
    assert {len(key) for key in keys} == {32}
    assert derive(SECRET, "token") == keys[0]
    assert derive(SECRET[::-1], "token") != keys[0]


def test_the_derivation_stays_what_it_is() -> None:
    expected = "ec123ea230768a723f89a256bc066b5c69814ad5e36226d46aaa446d573825f3"
    assert derive(SECRET, "fingerprint").hex() == expected


def minted(**changed: Any) -> str:
    claims = {"scopes": (), "ttl_s": 60, "now": NOW, "issuer": None, "audience": None} | changed
    return mint(SECRET, claims.pop("user", "alice"), **claims)


async def test_a_minted_token_is_believed_with_the_local_secret_only() -> None:
    assert await subject(LocalKeys(SECRET), minted()) == "alice"
    assert await subject(LocalKeys(SECRET[::-1]), minted()) is None
    raw = token("HS256", derive(SECRET, "token"))
    assert await subject(LocalKeys(SECRET), raw) is None, "without its kid"
    assert await subject(LocalKeys(SECRET), token("HS256", SECRET, "local")) is None


async def test_a_minted_token_says_what_it_was_told() -> None:
    text = minted(scopes=("scores:write", "scores:read"), issuer="i", audience="a", ttl_s=86_400)
    verifier = TokenVerifier(
        LocalKeys(SECRET), issuer="i", audience="a", clock=lambda: NOW, cache_max=0
    )
    caller = await verifier.verify(text)
    assert caller.scopes == {"scores:write", "scores:read"}
    assert caller.issuer == "i"
    assert caller.expires_at == NOW + 86_400
    assert jwt.get_unverified_header(text) == {"alg": "HS256", "typ": "JWT", "kid": "local"}


@pytest.mark.parametrize(
    "changed",
    [{"user": "no good"}, {"scopes": ("root",)}, {"ttl_s": 0}, {"ttl_s": 86_401}, {"ttl_s": -1}],
)
def test_a_token_that_would_be_refused_is_not_minted(changed: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured):
        minted(**changed)


def test_nothing_here_needs_a_running_loop(stage: Stage) -> None:
    source = stage.opened(SECRET)
    assert asyncio.run(subject(source, token("HS256", SECRET))) == "alice"
