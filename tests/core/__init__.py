"""The laws of the core, with known answers."""
