import { useInfiniteQuery } from "@tanstack/react-query";
import { Search } from "lucide-react";
import { useDeferredValue, useMemo, useState } from "react";

import { flatten } from "@/api/pages";
import { runTypeLabels } from "@/runs/labels";
import { cardsQuery } from "@/services/cards";
import { epicsQuery } from "@/services/epics";
import type { BacklogRunType } from "@/services/runs";
import { storiesQuery } from "@/services/stories";
import { useAllPages } from "@/ui/useAllPages";
import { Button } from "@/ui/Button";
import { Checkbox } from "@/ui/Checkbox";
import { number } from "@/ui/format";
import { SearchField } from "@/ui/SearchField";
import { Skeleton } from "@/ui/Skeleton";

import s from "./Starting.module.css";

type Item = { id: string; code: string; title: string };
type Props = {
  projectId: string;
  type: BacklogRunType;
  chosen: readonly string[];
  onChange: (chosen: readonly string[]) => void;
};
/** Maximum number of listed items; a search finds the others. */
const SHOWN = 100;

export function ItemPicker({ projectId, type, chosen, onChange }: Props) {
  const { items, loading } = useItems(projectId, type);
  const [text, setText] = useState("");
  const sought = useDeferredValue(text.trim().toLowerCase());
  const found = useMemo(
    () => items.filter((item) => `${item.code} ${item.title}`.toLowerCase().includes(sought)),
    [items, sought],
  );
  const set = new Set(chosen);
  const toggle = (id: string, on: boolean) =>
    onChange(on ? [...chosen, id] : chosen.filter((one) => one !== id));
  return (
    <div className={s.picker}>
      <div className={s.pickerBar}>
        <SearchField
          label={`Search ${runTypeLabels(type).source[1]}`}
          value={text}
          onChange={setText}
          icon={Search}
        />
        <span className={s.pickerCount}>{number(chosen.length)} selected</span>
        <Button size="s" variant="ghost" disabled={chosen.length === 0} onClick={() => onChange([])}>
          Clear
        </Button>
      </div>
      {loading && items.length === 0 ? (
        <Skeleton lines={4} />
      ) : (
        <ul className={s.pickerList}>
          {found.slice(0, SHOWN).map((item) => (
            <li key={item.id}>
              <Checkbox checked={set.has(item.id)} onCheckedChange={(on) => toggle(item.id, on)}>
                <span className={s.code}>{item.code}</span> {item.title}
              </Checkbox>
            </li>
          ))}
          {found.length > SHOWN && (
            <li className={s.more}>{number(found.length - SHOWN)} more; search to find them</li>
          )}
          {found.length === 0 && <li className={s.more}>No matches</li>}
        </ul>
      )}
    </div>
  );
}

function useItems(projectId: string, type: BacklogRunType): { items: Item[]; loading: boolean } {
  const section = runTypeLabels(type).section;
  const cards = useInfiniteQuery({ ...cardsQuery(projectId), enabled: section === "cards" });
  const epics = useInfiniteQuery({ ...epicsQuery(projectId), enabled: section === "epics" });
  const stories = useInfiniteQuery({ ...storiesQuery(projectId), enabled: section === "stories" });
  useAllPages(cards);
  useAllPages(epics);
  useAllPages(stories);
  const items = useMemo(() => {
    if (section === "epics") return flatten(epics.data);
    if (section === "stories") return flatten(stories.data);
    return flatten(cards.data).map((card) => ({
      id: card.id,
      code: cardCode(card.id),
      title: shortened(card.text),
    }));
  }, [section, cards.data, epics.data, stories.data]);
  return { items, loading: cards.isFetching || epics.isFetching || stories.isFetching };
}

const cardCode = (id: string) => id.slice(id.lastIndexOf("-") + 1);
const shortened = (text: string) => (text.length > 140 ? `${text.slice(0, 140)}…` : text);
