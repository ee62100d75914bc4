"""The only place that picks adapters, and owns every task's life and death."""

from typing import TYPE_CHECKING

from scoreboard import loaded_late

if TYPE_CHECKING:
    from scoreboard.adapters.keys import is_signature
    from scoreboard.assembly.backends import cautions, open_ledger
    from scoreboard.assembly.checkpoints import CHECKPOINT_FILE, key_fault
    from scoreboard.assembly.own_secret import fits, sealed
    from scoreboard.assembly.probing import KeyProbe, Probe, probe, probe_keys
    from scoreboard.assembly.serving import serve
    from scoreboard.assembly.tokens import local_token

__all__ = [
    "CHECKPOINT_FILE",
    "KeyProbe",
    "Probe",
    "cautions",
    "fits",
    "is_signature",
    "key_fault",
    "local_token",
    "open_ledger",
    "probe",
    "probe_keys",
    "sealed",
    "serve",
]

_ROOMS = {
    "CHECKPOINT_FILE": "checkpoints",
    "KeyProbe": "probing",
    "Probe": "probing",
    "cautions": "backends",
    "fits": "own_secret",
    "is_signature": "checkpoints",
    "key_fault": "checkpoints",
    "local_token": "tokens",
    "open_ledger": "backends",
    "probe": "probing",
    "probe_keys": "probing",
    "sealed": "own_secret",
    "serve": "serving",
}

# A command that only opens the ledger loads no web server, no HTTP and no JOSE.
__getattr__ = loaded_late(__name__, _ROOMS)
