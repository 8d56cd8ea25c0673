"""The four workers: which jobs each runs, how many at once, with what deadline."""
