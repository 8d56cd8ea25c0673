"""The coordinator: one duty per file."""
