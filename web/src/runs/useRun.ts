import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";

import { cardKeys } from "@/services/cards";
import { epicKeys } from "@/services/epics";
import { projectKeys } from "@/services/projects";
import {
  getLogAfter,
  getRunSince,
  getRunWithItems,
  isActive,
  type LogLine,
  type Run,
  runKeys,
} from "@/services/runs";
import { storyKeys } from "@/services/stories";
import { subtaskKeys } from "@/services/subtasks";

import { mergeAnswer, needsFullList, type RunView, viewOf } from "./merge";
import { nextPollMs } from "./polling";

/** Run with items: a full load, then increments. No polling in hidden tabs. */
const viewQuery = (runId: string) =>
  queryOptions<RunView>({
    queryKey: runKeys.view(runId),
    queryFn: async ({ client, signal }) => {
      const known = client.getQueryData<RunView>(runKeys.view(runId));
      return fetchView(runId, known, signal);
    },
    // merge.ts keeps item identity; a deep comparison of 10,000 items is slow
    structuralSharing: false,
    retry: false,
    staleTime: 0,
    refetchInterval: ({ state }) => nextPollMs(state.data?.run, state.error),
    refetchIntervalInBackground: false,
    refetchOnWindowFocus: "always",
  });

async function fetchView(runId: string, known: RunView | undefined, signal: AbortSignal): Promise<RunView> {
  if (!known || needsFullList(known)) {
    const { data, etag } = await getRunWithItems(runId, signal);
    return data ? viewOf(data, etag, Date.now()) : (known as RunView);
  }
  const { data, etag } = await getRunSince(runId, known.run.seq, known.etag, signal);
  return data ? mergeAnswer(known, data, etag, Date.now()) : known;
}

export function useRun(runId: string) {
  const query = useQuery(viewQuery(runId));
  useRefreshResults(query.data?.run);
  return query;
}

/** Log of a run; fetches only new lines. */
export function useRunLog(runId: string, run: Run | undefined) {
  return useQuery({
    queryKey: runKeys.log(runId),
    queryFn: async ({ client, signal }) => {
      const known = client.getQueryData<LogLine[]>(runKeys.log(runId)) ?? [];
      const fresh = await getLogAfter(runId, known.at(-1)?.seq ?? 0, signal);
      return fresh.length ? [...known, ...fresh] : known;
    },
    structuralSharing: false,
    refetchInterval: run && isActive(run) ? Math.max(1_500, run.pollAfterMs) : false,
    enabled: run !== undefined,
  });
}

/**
 * Refetch results and log when a run ends. Also on first load of an ended run: a short run may end before the first poll.
 */
function useRefreshResults(run: Run | undefined): void {
  const queries = useQueryClient();
  const wasActive = useRef(true);
  const active = run === undefined || isActive(run);
  useEffect(() => {
    if (wasActive.current && run && !active) {
      const stale = [projectKeys.all, cardKeys.all, epicKeys.all, storyKeys.all, subtaskKeys.all];
      for (const queryKey of stale) void queries.invalidateQueries({ queryKey });
      void queries.invalidateQueries({ queryKey: runKeys.log(run.runId) });
      if (run.projectId) void queries.invalidateQueries({ queryKey: runKeys.ofProject(run.projectId) });
    }
    wasActive.current = active;
  }, [active, run, queries]);
}
