def on_commit(seen, repositories, repository_id, branch, commit):
    return None


def a_completed_task_has_its_commit(repositories, before, after):
    return None
