import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";

import { flatten } from "@/api/pages";
import s from "@/plans/forms.module.css";
import { projectsQuery } from "@/services/projects";
import { storiesQuery } from "@/services/stories";
import { Button } from "@/ui/Button";
import { Checkbox } from "@/ui/Checkbox";
import f from "@/ui/Field.module.css";
import { Select } from "@/ui/Select";
import { Skeleton } from "@/ui/Skeleton";

/** As many as a plan may name. */
const MOST = 20;

type Props = { value: readonly string[]; onChange: (ids: string[]) => void };

/** Stories of one backlog or another. Ids are paths: they begin with their project's. */
export function StoryPicker({ value, onChange }: Props) {
  const projects = useInfiniteQuery(projectsQuery());
  const all = flatten(projects.data).filter((project) => project.counts.stories > 0);
  const [chosen, choose] = useState(value[0]?.split("-")[0] ?? null);
  const projectId = chosen ?? all[0]?.id ?? null;
  if (projects.isPending) return <Skeleton lines={2} />;
  if (!projectId) return <p className={s.note}>No project has stories yet that a plan could be made of.</p>;
  return (
    <fieldset className={s.group}>
      <legend>
        Stories
        {value.length > 0 &&
          `: ${value.length} chosen${value.length >= MOST ? ", no more go into a plan" : ""}`}
      </legend>
      {all.length > 1 && (
        <Select
          label="Project"
          value={projectId}
          onValueChange={choose}
          options={all.map(({ id, name }) => ({ value: id, label: name }))}
        />
      )}
      <Stories key={projectId} projectId={projectId} value={value} onChange={onChange} />
    </fieldset>
  );
}

function Stories({ projectId, value, onChange }: Props & { projectId: string }) {
  const [wanted, setWanted] = useState("");
  const stories = useInfiniteQuery(storiesQuery(projectId));
  const found = flatten(stories.data).filter(({ title, code }) =>
    `${code} ${title}`.toLowerCase().includes(wanted.trim().toLowerCase()),
  );
  if (stories.isPending) return <Skeleton lines={3} />;
  const toggle = (id: string) =>
    onChange(value.includes(id) ? value.filter((one) => one !== id) : [...value, id]);
  return (
    <>
      <input
        className={f.input}
        type="search"
        placeholder="Find a story"
        aria-label="Find a story"
        value={wanted}
        onChange={(event) => setWanted(event.target.value)}
      />
      <div className={s.picker} role="group" aria-label="Stories">
        {found.map((story) => (
          <div key={story.id} className={s.option}>
            <Checkbox
              checked={value.includes(story.id)}
              disabled={!value.includes(story.id) && value.length >= MOST}
              onCheckedChange={() => toggle(story.id)}
            >
              {story.title}
              <span className={s.why}>{story.id.split("-").slice(1).join(" · ")}</span>
            </Checkbox>
          </div>
        ))}
        {stories.hasNextPage && (
          <div className={s.option}>
            <Button size="s" busy={stories.isFetchingNextPage} onClick={() => void stories.fetchNextPage()}>
              More stories
            </Button>
          </div>
        )}
        {found.length === 0 && <p className={s.option}>No story is called that.</p>}
      </div>
    </>
  );
}
