import { Link } from "react-router";

import s from "./EditPanel.module.css";

/** What of the backlog a task carries out. Ids are paths: they begin with the project's. */
export function StoryNote({ storyId, subtaskId }: { storyId: string | null; subtaskId: string | null }) {
  if (!storyId) return null;
  const [projectId = "", ...codes] = storyId.split("-");
  return (
    <p className={s.hint}>
      Carries out {subtaskId ? "a subtask of " : ""}story{" "}
      <Link to={`/projects/${projectId}`}>{codes.join(" · ")}</Link>.
    </p>
  );
}
