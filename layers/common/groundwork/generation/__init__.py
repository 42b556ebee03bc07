"""The steps of the backlog pipeline as pure functions: what each asks of a model, and what it takes of an answer."""
