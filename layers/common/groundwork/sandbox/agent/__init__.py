"""The program inside a sandbox. Groundwork itself imports only `files` of it."""
