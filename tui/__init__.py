"""The terminal dashboard; it speaks to the service over HTTP alone."""
