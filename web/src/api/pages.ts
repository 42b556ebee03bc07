/** A page of a list; `nextToken` is null at the end. */
export type Page<T> = { items: T[]; nextToken: string | null };

/** Options of `useInfiniteQuery` for the pages of a list. */
export const pageParams = {
  initialPageParam: null as string | null,
  getNextPageParam: (page: Page<unknown>): string | null => page.nextToken,
};

/** All pages as one list. */
export function flatten<T>(pages: { pages: Page<T>[] } | undefined): T[] {
  return pages?.pages.flatMap((page) => page.items) ?? [];
}

/** Fetch pages until the end of the list or until there are `most` items. */
export async function fetchAllPages<T>(
  ask: (nextToken: string | null) => Promise<Page<T>>,
  most = Infinity,
): Promise<T[]> {
  const items: T[] = [];
  let next: string | null = null;
  do {
    const page: Page<T> = await ask(next);
    items.push(...page.items);
    next = page.nextToken;
  } while (next !== null && items.length < most);
  return items;
}
