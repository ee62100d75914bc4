"""Verify that an award is under a signed checkpoint: verify_award.py PROOF KEY [CHECKPOINT].

PROOF is a file, the answer of GET /v1/awards/{award_id}/proof; KEY the operator's public key, as
`origin+hex+base64`; CHECKPOINT a note of the same size from elsewhere, instead of the proof's own.
"""

import json
import subprocess
import sys
import tempfile
from base64 import b64decode
from hashlib import sha256
from pathlib import Path


def ensure(holds: object, otherwise: str) -> None:
    if not holds:
        sys.exit(f"NOT PROVEN: {otherwise}")


def root_of(leaf: bytes, seq: int, size: int, hashes: list[bytes]) -> bytes:
    """The root that a leaf and its proof come to (RFC 9162, 2.1.3.2)."""
    found, index, last = sha256(b"\0" + leaf).digest(), seq - 1, size - 1
    for beside in hashes:
        if index % 2 or index == last:
            found = sha256(b"\1" + beside + found).digest()
            while index and not index % 2:
                index, last = index // 2, last // 2
        else:
            found = sha256(b"\1" + found + beside).digest()
        index, last = index // 2, last // 2
    return found if last == 0 and 0 < seq <= size else b""


def is_signed(note: str, key: str) -> bool:
    """By openssl: Python's own library has no Ed25519."""
    text, _, signatures = note.partition("\n\n")
    origin, named, public = key.split("+", 2)
    lines = [each for each in signatures.split("\n") if each.startswith(f"— {origin} ")]
    signed = b64decode(lines[0].split(" ")[2]) if lines else b""
    der = bytes.fromhex("302a300506032b6570032100") + b64decode(public)[1:]
    with tempfile.TemporaryDirectory() as folder:
        for name, content in ("key", der), ("sig", signed[4:]), ("text", f"{text}\n".encode()):
            Path(folder, name).write_bytes(content)
        run = "openssl pkeyutl -verify -pubin -rawin -keyform DER -sigfile sig -inkey key -in text"
        done = subprocess.run(run.split(), cwd=folder, check=False, stdout=subprocess.DEVNULL)
    return text.startswith(f"{origin}\n") and signed[:4].hex() == named and not done.returncode


proof, key = json.loads(Path(sys.argv[1]).read_text("utf-8")), sys.argv[2]
note = Path(sys.argv[3]).read_text("utf-8") if len(sys.argv) > 3 else proof["checkpoint"]
leaf, (size, root) = b64decode(proof["leaf"]), note.split("\n")[1:3]
hashes, award = [b64decode(each) for each in proof["hashes"]], leaf[86 : 86 + leaf[85]].decode()
user, salt = proof.get("user_id", ""), b64decode(proof.get("salt", ""))
seq, points = (int.from_bytes(leaf[at : at + 8], "big", signed=True) for at in (2, 26))
ensure(is_signed(note, key), "the checkpoint is not signed with this key")
ensure(root_of(leaf, seq, int(size), hashes) == b64decode(root), "it is not in there")
ensure(not user or leaf[50:82] == sha256(salt + user.encode()).digest(), "it is somebody else's")
ensure((seq, award) == (proof["seq"], proof["award_id"]), "it is another award")
print(f"Posting {seq}: {points} points of {user or 'a user whom it does not name'}, proven.")
