"""Where triggers listen."""
