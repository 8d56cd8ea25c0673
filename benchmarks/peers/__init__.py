"""What other tools do with the same work on the same machine, so that anyone can repeat the comparison."""
