"""The story of an award: in, across, out, back."""
