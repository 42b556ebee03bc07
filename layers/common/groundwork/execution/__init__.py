"""Plans carried out: which gates open, what a person may do, what comes of attempts. Pure; stores and AWS are ports."""
