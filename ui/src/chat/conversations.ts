/** The list of conversations: asked, kept fresh, changed. */

import {
  keepPreviousData,
  type QueryClient,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { api } from "../api/client";
import type { Conversation } from "../api/types";
import { note } from "../kit/notes";
import { currentRoute, go } from "../kit/route";
import { changeSetting, setting } from "../kit/settings";
import { words } from "../words/en";
import { forget } from "./store";

const PAGE = 50;
/** How often the list is asked again while somewhere an answer is being made. */
const WATCH_MS = 3_000;
const IDLE_MS = 30_000;

export function useConversations() {
  return useInfiniteQuery({
    queryKey: ["conversations", "list"],
    queryFn: ({ pageParam, signal }) =>
      api.conversations({ limit: PAGE, signal, ...(pageParam === undefined ? {} : { before_ms: pageParam }) }),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (page) => (page.more ? page.conversations.at(-1)?.updated_at_ms : undefined),
    select: ({ pages }) => {
      const seen = new Set<string>();
      return pages.flatMap((page) => page.conversations).filter(({ id }) => !seen.has(id) && seen.add(id));
    },
    refetchInterval: ({ state }) =>
      state.data?.pages.some((page) => page.conversations.some(({ pending }) => pending)) ? WATCH_MS : IDLE_MS,
  });
}

export function useConversationSearch(query: string) {
  return useQuery({
    queryKey: ["conversations", "search", query],
    queryFn: ({ signal }) => api.conversations({ query, limit: 30, signal }),
    placeholderData: keepPreviousData,
    staleTime: 10_000,
  });
}

export function refreshConversations(client: QueryClient) {
  return client.invalidateQueries({ queryKey: ["conversations"] });
}

/** What went wrong, as a remark at the foot of the page. */
export function noteFailure(reason: unknown) {
  note(reason instanceof Error ? reason.message : words.state.unreachable);
}

export function useRename() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, title }: { id: string; title: string }) => api.renameConversation(id, title),
    onError: noteFailure,
    onSettled: () => refreshConversations(client),
  });
}

export function useDelete() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id }: Pick<Conversation, "id">) => api.deleteConversation(id),
    onSuccess: (_nothing, { id }) => {
      forget(id);
      if (setting("last_conversation") === id) changeSetting("last_conversation", "");
      const route = currentRoute();
      if (route.page === "conversation" && route.id === id) go({ page: "new" }, true);
    },
    onError: noteFailure,
    onSettled: () => refreshConversations(client),
  });
}

const DAY = 86_400_000;

/** Conversations under the headings a person thinks in. `now` decides what today is. */
export function grouped(conversations: Conversation[], now: Date): { title: string; conversations: Conversation[] }[] {
  const today = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime();
  const bounds: [string, number][] = [
    [words.sidebar.today, today],
    [words.sidebar.yesterday, today - DAY],
    [words.sidebar.week, today - 7 * DAY],
    [words.sidebar.month, today - 30 * DAY],
    [words.sidebar.older, Number.NEGATIVE_INFINITY],
  ];
  const groups = bounds.map(([title]) => ({ title, conversations: [] as Conversation[] }));
  for (const conversation of conversations) {
    const place = bounds.findIndex(([, since]) => conversation.updated_at_ms >= since);
    groups[place]?.conversations.push(conversation);
  }
  return groups.filter((group) => group.conversations.length > 0);
}
