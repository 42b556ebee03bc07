"""A task carried out: a session of the model with file tools in a checkout. Knows no SDK and no git."""
