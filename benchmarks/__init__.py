"""The figures in the README, and how to measure them again."""
