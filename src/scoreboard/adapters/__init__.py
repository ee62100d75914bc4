"""One file a technology; only the assembly imports them."""
