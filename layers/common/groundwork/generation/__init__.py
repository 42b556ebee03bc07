"""Generation with a model: questions and the interpretation of answers (pure), run handlers, their registry."""
