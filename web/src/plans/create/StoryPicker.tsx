import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { useState } from "react";

import { flatten } from "@/api/pages";
import { MAX_STORIES_PER_PLAN } from "@/backlog/planLinks";
import { codePath } from "@/backlog/tree";
import s from "@/plans/forms.module.css";
import { projectsQuery } from "@/services/projects";
import { storiesQuery, storyQuery } from "@/services/stories";
import { Button } from "@/ui/Button";
import { Checkbox } from "@/ui/Checkbox";
import f from "@/ui/Field.module.css";
import { Select } from "@/ui/Select";
import { Skeleton } from "@/ui/Skeleton";

type Props = { value: readonly string[]; onChange: (ids: string[]) => void };

/** Select stories of any project. A story id starts with its project id. */
export function StoryPicker({ label = "Stories", value, onChange }: Props & { label?: string }) {
  const projects = useInfiniteQuery(projectsQuery());
  const all = flatten(projects.data).filter((project) => project.counts.stories > 0);
  const [chosen, choose] = useState(value[0]?.split("-")[0] ?? null);
  const projectId = chosen ?? all[0]?.id ?? null;
  if (projects.isPending) return <Skeleton lines={2} />;
  if (!projectId) return <p className={s.note}>No project has stories yet.</p>;
  const drop = (id: string) => onChange(value.filter((one) => one !== id));
  return (
    <fieldset className={s.group}>
      <legend>
        {label}
        {value.length > 0 &&
          `: ${value.length} selected${value.length >= MAX_STORIES_PER_PLAN ? ", limit reached" : ""}`}
      </legend>
      {value.length > 0 && (
        <ul className={s.chips}>
          {value.map((id) => (
            <SelectedStory key={id} id={id} onDrop={() => drop(id)} />
          ))}
        </ul>
      )}
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

/** Selected story; may be of another project, not loaded yet, or deleted. */
function SelectedStory({ id, onDrop }: { id: string; onDrop: () => void }) {
  const story = useQuery({ ...storyQuery(id), retry: false });
  const name = `${codePath(id)} ${story.data?.title ?? (story.isError ? "(deleted)" : "")}`.trim();
  return (
    <li className={s.chip}>
      <span className="truncate">{name}</span>
      <button type="button" onClick={onDrop} aria-label={`Remove ${name}`}>
        <X size={13} aria-hidden />
      </button>
    </li>
  );
}

function Stories({ projectId, value, onChange }: Props & { projectId: string }) {
  const [search, setSearch] = useState("");
  const stories = useInfiniteQuery(storiesQuery(projectId));
  const found = flatten(stories.data).filter(({ title, code }) =>
    `${code} ${title}`.toLowerCase().includes(search.trim().toLowerCase()),
  );
  if (stories.isPending) return <Skeleton lines={3} />;
  const toggle = (id: string) =>
    onChange(value.includes(id) ? value.filter((one) => one !== id) : [...value, id]);
  return (
    <>
      <input
        className={f.input}
        type="search"
        placeholder="Search stories"
        aria-label="Search stories"
        value={search}
        onChange={(event) => setSearch(event.target.value)}
      />
      <div className={s.picker} role="group" aria-label="Stories">
        {found.map((story) => (
          <div key={story.id} className={s.option}>
            <Checkbox
              checked={value.includes(story.id)}
              disabled={!value.includes(story.id) && value.length >= MAX_STORIES_PER_PLAN}
              onCheckedChange={() => toggle(story.id)}
            >
              {story.title}
              <span className={s.why}>{codePath(story.id)}</span>
            </Checkbox>
          </div>
        ))}
        {stories.hasNextPage && (
          <div className={s.option}>
            <Button size="s" busy={stories.isFetchingNextPage} onClick={() => void stories.fetchNextPage()}>
              Load more
            </Button>
          </div>
        )}
        {found.length === 0 && <p className={s.option}>No matches</p>}
      </div>
    </>
  );
}
