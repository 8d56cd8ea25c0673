"""The command line: thin commands that parse, call and print; nothing heavy is imported before it is needed."""
