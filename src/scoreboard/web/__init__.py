"""The only folder that knows the web framework."""
