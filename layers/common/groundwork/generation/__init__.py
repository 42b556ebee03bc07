"""Generation with a model.

Questions and the interpretation of answers (pure), run handlers, their registry.
"""
