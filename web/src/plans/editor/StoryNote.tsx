import { Link } from "react-router";

import { storyPath } from "@/backlog/planLinks";
import { codePath } from "@/backlog/tree";

import s from "./EditPanel.module.css";

/** Link to the story of a task. */
export function StoryNote({ storyId, subtaskId }: { storyId: string | null; subtaskId: string | null }) {
  if (!storyId) return null;
  return (
    <p className={s.hint}>
      Implements {subtaskId ? "a subtask of " : ""}story{" "}
      <Link to={storyPath(storyId)}>{codePath(storyId)}</Link>.
    </p>
  );
}
