import { useInfiniteQuery } from "@tanstack/react-query";
import { ListFilter, MessageSquareText } from "lucide-react";
import { useCallback, useDeferredValue, useMemo, useState } from "react";

import { DropZone } from "@/import/DropZone";
import type { Project } from "@/services/projects";
import { type Card, cardsQuery } from "@/services/cards";
import type { RunPreset } from "@/start-run/StartRunDialog";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorState } from "@/ui/ErrorState";
import { Panel } from "@/ui/Panel";
import { Skeleton } from "@/ui/Skeleton";
import { useAllPages } from "@/ui/useAllPages";
import { VirtualList } from "@/ui/VirtualList";

import { CardPanel } from "./CardPanel";
import { CardRow } from "./CardRow";
import { CardsBar } from "./CardsBar";
import s from "./Cards.module.css";
import { filterPages, isFiltering, NO_FILTER } from "./filter";
import { type Selection, useSelection } from "./useSelection";

type Props = { project: Project; onImport: (file: File) => void; onRun: (preset: RunPreset) => void };

/** List of cards with search, filters and selection. */
export function CardsSection({ project, onImport, onRun }: Props) {
  const query = useInfiniteQuery(cardsQuery(project.id));
  const [filter, setFilter] = useState(NO_FILTER);
  const sought = useDeferredValue(filter);
  const isSearching = isFiltering(filter);
  // a search needs all cards, not only the loaded pages
  useAllPages(query, isSearching);
  // render rows at low priority to keep the page responsive
  const data = useDeferredValue(query.data);
  const loaded = useMemo(() => data?.pages.map((page) => page.items) ?? [], [data]);
  const found = useMemo(() => filterPages(loaded, sought), [loaded, sought]);
  const seen = loaded.reduce((sum, page) => sum + page.length, 0);
  const selection = useSelection();
  const [shown, setShown] = useState<Card | null>(null);
  if (query.isPending) return <Skeleton lines={6} height={44} />;
  if (!query.data) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  if (!data) return <Skeleton lines={6} height={44} />;
  if (seen === 0) return <NoCards onImport={onImport} />;
  return (
    <>
      <Panel flush label="Cards">
        <CardsBar
          filter={filter}
          onFilter={setFilter}
          status={statusOf(found.length, seen, isSearching, query.hasNextPage)}
          selection={selection}
          shown={found}
          onRun={onRun}
        />
        <FoundCards
          cards={found}
          loading={isSearching && query.hasNextPage}
          selection={selection}
          onShow={setShown}
          onEnd={() => {
            if (query.hasNextPage && !query.isFetching) void query.fetchNextPage();
          }}
        />
      </Panel>
      <CardPanel card={shown} onClose={() => setShown(null)} />
    </>
  );
}

type FoundProps = {
  cards: Card[];
  loading: boolean;
  selection: Selection;
  onShow: (card: Card) => void;
  onEnd: () => void;
};

function FoundCards({ cards, loading, selection, onShow, onEnd }: FoundProps) {
  // stable: with another function the list would measure all its rows again
  const keyOf = useCallback((index: number) => cards[index]?.id ?? String(index), [cards]);
  if (cards.length === 0) {
    if (loading) return <p className={s.searching}>Searching…</p>;
    return (
      <EmptyState compact icon={ListFilter} title="No matches">
        Change the search or the filters.
      </EmptyState>
    );
  }
  return (
    <VirtualList label="Cards" count={cards.length} rowHeight={72} keyOf={keyOf} onEnd={onEnd}>
      {(index) =>
        cards[index] && (
          <CardRow
            card={cards[index]}
            chosen={selection.has(cards[index].id)}
            onChoose={selection.set}
            onShow={onShow}
          />
        )
      }
    </VirtualList>
  );
}

function NoCards({ onImport }: { onImport: (file: File) => void }) {
  return (
    <div className={s.none}>
      <EmptyState icon={MessageSquareText} title="No cards yet">
        A card is one piece of feedback: a review, a ticket, a sentence from an interview. Drop the export of
        a feedback tool, or any table of feedback, anywhere on this page.
      </EmptyState>
      <DropZone compact={false} name={null} onFile={onImport} />
    </div>
  );
}

function statusOf(found: number, seen: number, isSearching: boolean, more: boolean): string {
  if (!isSearching) return "";
  const all = found.toLocaleString("en");
  return more ? `${all} found in ${seen.toLocaleString("en")} so far…` : `${all} found`;
}
