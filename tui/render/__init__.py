"""What the dashboard draws, as pure functions: data in, rows of styled runs out."""
