"""Plans: model, editing, reviews, history, estimates. Start at `model`."""
