def a_call_is_of_a_claim(seen, sandbox, task_id):
    return None


def claims(seen, before, after):
    return None
