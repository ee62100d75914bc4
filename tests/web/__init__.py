"""The web layer, over real sockets where there are any."""
