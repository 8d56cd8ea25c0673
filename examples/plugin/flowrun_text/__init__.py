"""Node types for flowrun."""
