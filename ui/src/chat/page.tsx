/** One conversation: arranges what `reduce.ts` decided, and hands what the person does to the store. */

import {
  type AppendMessage,
  AssistantRuntimeProvider,
  type ThreadMessageLike,
  ThreadPrimitive,
  useExternalStoreRuntime,
} from "@assistant-ui/react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { ArrowDown, Ellipsis, Eraser, Info, Pencil, Trash2 } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { api } from "../api/client";
import type { Me } from "../api/types";
import { note } from "../kit/notes";
import { Button, Confirm, CopyButton, classes, Dialog, Failed, menu, Spinner } from "../kit/pieces";
import { RenameField } from "../kit/rename-field";
import { currentRoute, go } from "../kit/route";
import { changeSetting, markRead, setting } from "../kit/settings";
import { date, money, words } from "../words/en";
import { type Met, MetApprovals, refreshApprovals } from "./approvals";
import { attachments, taken } from "./attachments";
import { Composer } from "./composer";
import { noteFailure, refreshConversations, useConversations, useDelete, useRename } from "./conversations";
import { Isolated } from "./isolated";
import { pointedAt } from "./links";
import { AnswerMessage, DecidedLine, LoadingMessages, type MessageActions, NewsLine, SaidMessage } from "./message";
import { chosenModel } from "./models";
import { type ApprovalView, answerText, type Item, isBusy, liveItems, settledItems, stoppable } from "./reduce";
import { ConversationStore, storeOf } from "./store";

/** Chooses the store: of the conversation in the address, or of one that does not exist yet. */
export function ChatPage({ id, me, start }: { id: string | undefined; me: Me; start: ReactNode }) {
  const [fresh, setFresh] = useState(() => new ConversationStore());
  const store = useMemo(() => (id === undefined ? fresh : storeOf(id)), [id, fresh]);
  // The fresh one became a conversation: have another ready for the next.
  useEffect(() => {
    if (id !== undefined && fresh.id !== undefined) setFresh(new ConversationStore());
  }, [id, fresh]);
  return <Conversation key={store.key} store={store} me={me} start={start} />;
}

function asMessage(item: Item): ThreadMessageLike {
  const base = { id: item.id, createdAt: new Date(item.at_ms), metadata: { custom: { item } } };
  if (item.kind === "said") return { ...base, role: "user", content: [{ type: "text", text: item.text }] };
  const live = item.state === "running" || item.state === "starting";
  return {
    ...base,
    role: "assistant",
    content: [{ type: "text", text: answerText(item) }],
    status: live ? { type: "running" } : { type: "complete", reason: "stop" },
  };
}

function Conversation({ store, me, start }: { store: ConversationStore; me: Me; start: ReactNode }) {
  const { state, connection, problem, loading_older, approvals } = useSyncExternalStore(store.subscribe, store.getView);
  const client = useQueryClient();

  useEffect(() => store.open(), [store]);

  const settled = useMemo(
    () =>
      settledItems(
        { messages: state.messages, summaries: state.summaries, outcomes: state.outcomes },
        state.running?.turn,
      ),
    [state.messages, state.summaries, state.outcomes, state.running?.turn],
  );
  const known = useMemo(() => pointedAt(state.messages), [state.messages]);
  const met: Met = useMemo(
    () => ({
      approvals: state.approvals,
      asking: approvals,
      person: me.person.id,
      onNews: (news) => {
        store.dispatch({ type: "approvals", approvals: news });
        void refreshApprovals(client);
      },
      onRetry: () => void store.loadApprovals(),
    }),
    [state.approvals, approvals, me.person.id, store, client],
  );
  const items = useMemo(() => liveItems(state, settled, Date.now()), [state, settled]);
  const busy = isBusy(state);
  const stop_turn = stoppable(state);
  const last_answer = items.findLast((item) => item.kind === "answer")?.id;

  const created = useCallback(
    (id: string) => {
      changeSetting("last_conversation", id);
      // Somebody may have gone elsewhere while it was being created.
      if (currentRoute().page === "new") go({ page: "conversation", id }, true);
      void refreshConversations(client);
    },
    [client],
  );
  const say = useCallback(
    (text: string, files: ReturnType<typeof taken>["files"] = []) =>
      store.say({ text, files, model: chosenModel(setting("model")) }, created),
    [store, created],
  );
  const onNew = useCallback(
    async (message: AppendMessage) => {
      const { text, files } = taken(message);
      void say(text, files);
    },
    [say],
  );
  const stop = useCallback(async () => {
    await store.stop().catch(noteFailure);
  }, [store]);

  const adapters = useMemo(() => ({ attachments: attachments() }), []);
  const queue = useMemo(
    () => ({
      items: [],
      steerItems: [],
      enqueue: (message: AppendMessage) => void onNew(message),
      steer: (message: AppendMessage) => void onNew(message),
      move: () => {},
      edit: () => {},
      remove: () => {},
    }),
    [onNew],
  );
  const runtime = useExternalStoreRuntime<Item>({
    messages: items,
    convertMessage: asMessage,
    isRunning: busy,
    isDisabled: problem === "gone" || state.deleted,
    onNew,
    onCancel: stop,
    adapters,
    queue,
  });

  const actions: MessageActions = useMemo(() => {
    const local = (id: string) => store.getView().state.locals.find((other) => `local:${other.key}` === id);
    return {
      retry() {
        const { messages } = store.getView().state;
        // What was decided is a message too, but nobody's words.
        const last = messages.findLast(
          ({ role, parts }) => role === "user" && parts.some(({ type }) => type !== "notice"),
        );
        if (!last) return;
        const text = last.parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n\n");
        const files = last.parts.flatMap((part) =>
          part.type === "file"
            ? [{ name: part.name, media_type: part.media_type, data: part.data }]
            : part.type === "image"
              ? [{ name: words.chat.picture, media_type: part.media_type, data: part.data }]
              : [],
        );
        void say(text, files);
      },
      again(id) {
        const found = local(id);
        if (found) void store.again(found, created);
      },
      discard(id) {
        const found = local(id);
        if (found) store.dispatch({ type: "discarded", key: found.key });
      },
    };
  }, [store, say, created]);

  // What is looked at counts as read.
  const latest = state.messages.at(-1)?.created_at_ms;
  useEffect(() => {
    if (store.id === undefined) return;
    changeSetting("last_conversation", store.id);
    const mark = () => {
      if (store.id !== undefined && document.visibilityState === "visible")
        markRead(store.id, Math.max(Date.now(), latest ?? 0));
    };
    mark();
    document.addEventListener("visibilitychange", mark);
    return () => {
      mark();
      document.removeEventListener("visibilitychange", mark);
    };
  }, [store, latest]);

  // A conversation deleted elsewhere closes here.
  useEffect(() => {
    if (!state.deleted) return;
    note(words.chat.gone);
    go({ page: "new" }, true);
  }, [state.deleted]);

  useEscape(() => {
    if (stop_turn !== undefined) void stop();
  });

  const empty = state.loaded && items.length === 0 && problem !== "gone";
  const stale = connection === "waiting" && store.id !== undefined;

  return (
    <AssistantRuntimeProvider runtime={runtime}>
      <MetApprovals value={met}>
        <div className="flex h-full min-h-0 flex-col">
          <Header store={store} me={me} live_title={state.title} start={start} stale={stale} />
          <ThreadPrimitive.Root className="flex min-h-0 flex-1 flex-col">
            <ThreadPrimitive.Viewport className="relative flex min-h-0 flex-1 flex-col overflow-y-auto overscroll-contain [scrollbar-gutter:stable_both-edges]">
              {problem === "gone" ? (
                <div className="m-auto">
                  <Failed title={words.chat.gone} hint={words.chat.gone_hint} />
                </div>
              ) : problem === "unreachable" ? (
                <div className="m-auto">
                  <Failed
                    title={words.state.unreachable}
                    hint={words.state.unreachable_hint}
                    onRetry={() => void store.load()}
                  />
                </div>
              ) : empty ? (
                <>
                  <Greeting name={me.person.name} />
                  <Suggestions me={me} onChoose={(prompt) => void say(prompt)} />
                </>
              ) : (
                <div className="mx-auto w-full max-w-[744px] flex-1 px-4 pt-3 pb-6">
                  {!state.loaded && <LoadingMessages />}
                  {state.more && (
                    <p className="flex justify-center py-3">
                      <Button kind="quiet" onClick={() => void store.loadOlder().catch(noteFailure)}>
                        {loading_older && <Spinner />} {words.chat.older}
                      </Button>
                    </p>
                  )}
                  <ThreadPrimitive.Messages>
                    {({ message }) => {
                      const item = message.metadata.custom.item as Item | undefined;
                      if (!item) return null;
                      if (item.kind === "answer") {
                        return (
                          <AnswerMessage item={item} last={item.id === last_answer} actions={actions} known={known} />
                        );
                      }
                      if (item.told === "news") return <NewsLine item={item} />;
                      return item.told === "decided" ? (
                        <DecidedLine text={item.text} />
                      ) : (
                        <SaidMessage item={item} actions={actions} />
                      );
                    }}
                  </ThreadPrimitive.Messages>
                </div>
              )}
              <ThreadPrimitive.ViewportFooter
                className={classes(
                  "safe-bottom sticky bottom-0 mx-auto w-full max-w-[744px] bg-paper px-3 sm:px-4",
                  !empty && "shadow-[0_8px_0_var(--paper)]",
                )}
              >
                {!empty && (
                  <div
                    aria-hidden="true"
                    className="pointer-events-none absolute inset-x-0 -top-6 h-6 bg-gradient-to-t from-paper to-transparent"
                  />
                )}
                <ThreadPrimitive.ScrollToBottom
                  aria-label={words.chat.to_latest}
                  className="absolute -top-12 left-1/2 grid size-9 -translate-x-1/2 place-items-center rounded-full border border-line bg-raised text-ink-2 shadow-raised transition-opacity hover:text-ink disabled:invisible disabled:opacity-0"
                >
                  <ArrowDown size={17} />
                </ThreadPrimitive.ScrollToBottom>
                <Composer
                  busy={busy}
                  stoppable={stop_turn !== undefined && state.running?.cancelling !== true}
                  draft={store.draft}
                  onDraft={(text) => {
                    store.draft = text;
                  }}
                />
                {!empty && (
                  <p className="pt-2 text-center text-[11.5px] text-ink-3 max-sm:hidden">{words.chat.disclaimer}</p>
                )}
              </ThreadPrimitive.ViewportFooter>
            </ThreadPrimitive.Viewport>
          </ThreadPrimitive.Root>
          <Announcer items={items} busy={busy} approvals={state.approvals} />
        </div>
      </MetApprovals>
    </AssistantRuntimeProvider>
  );
}

/** Escape stops the answer, unless something nearer wants it: a dialog, a menu, a field that is not the message's. */
function useEscape(act: () => void) {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    const heard = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || event.defaultPrevented || event.isComposing) return;
      if (document.querySelector("[role=dialog],[role=alertdialog],[role=menu]")) return;
      if (event.target instanceof HTMLElement && event.target.matches("input, textarea")) return;
      latest.current();
    };
    window.addEventListener("keydown", heard);
    return () => window.removeEventListener("keydown", heard);
  }, []);
}

/** News older than this are not read out any more. */
const FRESH_MS = 60_000;

/** Reads an answer out once it is finished, and only then; and news when they come. */
function Announcer({
  items,
  busy,
  approvals,
}: {
  items: Item[];
  busy: boolean;
  approvals: Record<string, ApprovalView>;
}) {
  const was_busy = useRef(false);
  const told = useRef<string>(undefined);
  const [text, setText] = useState("");
  useEffect(() => {
    const newest = items.at(-1);
    if (newest?.kind === "said" && newest.told === "news") {
      // What was there when the conversation was opened is read by whoever wants it.
      if (told.current !== newest.id && Date.now() - newest.at_ms < FRESH_MS) setText(words.chat.news(newest.text));
      told.current = newest.id;
    } else if (was_busy.current && !busy) {
      const answer = items.findLast((item) => item.kind === "answer");
      if (answer) {
        const notices = answer.blocks.flatMap((block) => (block.type === "notice" ? [block.notice.text] : []));
        const questions = answer.blocks.flatMap((block) => {
          const asked = block.type === "approval" ? approvals[block.id] : undefined;
          return asked?.state === "open" ? [words.approval.announced(asked.wording.question)] : [];
        });
        const parts = [answerText(answer).slice(0, 1500), ...notices, ...questions];
        setText(words.chat.answered(parts.filter(Boolean).join(" ")));
      }
    } else if (!was_busy.current && busy) {
      setText(words.chat.sent);
    }
    was_busy.current = busy;
  }, [busy, items, approvals]);
  return (
    <div aria-live="polite" className="sr-only" data-testid="announcer">
      {text}
    </div>
  );
}

function Greeting({ name }: { name: string }) {
  return (
    <div className="mx-auto my-auto w-full max-w-[744px] px-5 pt-10 pb-8 sm:mb-0 sm:pb-7">
      <h1 className="font-display text-[34px] leading-[1.12] tracking-[-0.022em] sm:text-[42px]">
        {words.chat.greeting(name, new Date().getHours())}
      </h1>
      <p className="mt-1 font-display text-[20px] text-ink-3 tracking-[-0.012em] sm:text-[23px]">
        {words.chat.greeting_hint}
      </p>
    </div>
  );
}

function Suggestions({ me, onChoose }: { me: Me; onChoose: (prompt: string) => void }) {
  return (
    <div className="mx-auto w-full max-w-[744px] px-3 pb-3 sm:order-last sm:mb-auto sm:px-4 sm:pb-[11dvh]">
      {me.suggestions.length > 0 && (
        <ul aria-label={words.chat.suggestions} className="grid gap-2 sm:grid-cols-2">
          {me.suggestions.slice(0, 6).map((suggestion) => (
            <li key={suggestion.title}>
              <button
                type="button"
                data-testid="suggestion"
                onClick={() => onChoose(suggestion.prompt)}
                title={suggestion.prompt}
                className="h-full w-full rounded-[14px] border border-line px-4 py-2.5 text-start text-[14px] text-ink-2 leading-snug transition-colors hover:border-livery/40 hover:bg-livery-soft hover:text-ink sm:py-3"
              >
                {suggestion.title}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Header({
  store,
  me,
  live_title,
  start,
  stale,
}: {
  store: ConversationStore;
  me: Me;
  live_title: string | undefined;
  start: ReactNode;
  stale: boolean;
}) {
  const [renaming, setRenaming] = useState(false);
  const [asking, setAsking] = useState<"clear" | "delete">();
  const [details, setDetails] = useState(false);
  const client = useQueryClient();
  const { data } = useConversations();
  const rename = useRename();
  const remove = useDelete();
  const id = store.id;
  const title = live_title ?? data?.find((conversation) => conversation.id === id)?.title ?? "";

  useEffect(() => {
    document.title = title === "" ? words.name : `${title} – ${words.name}`;
  }, [title]);

  const clear = async () => {
    if (id === undefined) return;
    try {
      await api.clearConversation(id);
      store.dispatch({ type: "cleared" });
      await refreshConversations(client);
    } catch (reason) {
      noteFailure(reason);
    }
  };

  return (
    <header className="safe-top shrink-0 max-lg:border-line max-lg:border-b">
      <div className="flex h-14 items-center gap-1 px-2 lg:px-4">
        {start}
        {renaming && id !== undefined ? (
          <RenameField
            title={title}
            className="h-9 w-full max-w-md rounded-[10px] border border-livery bg-paper px-2.5 font-medium text-[14px] focus:outline-none max-sm:text-[16px]"
            onDone={(next) => {
              setRenaming(false);
              if (next)
                rename.mutate(
                  { id, title: next },
                  { onSuccess: () => store.dispatch({ type: "renamed", title: next }) },
                );
            }}
          />
        ) : (
          <h2 className="min-w-0 truncate px-1.5 font-medium text-[14px]">
            <Isolated text={title} />
          </h2>
        )}
        {id !== undefined && !renaming && (
          <DropdownMenu.Root>
            <DropdownMenu.Trigger
              aria-label={words.chat.menu}
              className="grid size-8 shrink-0 place-items-center rounded-[9px] text-ink-3 hover:bg-hover hover:text-ink data-[state=open]:bg-hover pointer-coarse:size-9"
            >
              <Ellipsis size={17} />
            </DropdownMenu.Trigger>
            <DropdownMenu.Portal>
              <DropdownMenu.Content align="start" sideOffset={4} className={menu.content}>
                <DropdownMenu.Item className={menu.item} onSelect={() => setDetails(true)}>
                  <Info size={14} aria-hidden="true" /> {words.chat.details}
                </DropdownMenu.Item>
                <DropdownMenu.Item className={menu.item} onSelect={() => setRenaming(true)}>
                  <Pencil size={14} aria-hidden="true" /> {words.chat.rename}
                </DropdownMenu.Item>
                <DropdownMenu.Item className={menu.item} onSelect={() => setAsking("clear")}>
                  <Eraser size={14} aria-hidden="true" /> {words.chat.clear}
                </DropdownMenu.Item>
                <DropdownMenu.Separator className={menu.separator} />
                <DropdownMenu.Item className={classes(menu.item, menu.danger)} onSelect={() => setAsking("delete")}>
                  <Trash2 size={14} aria-hidden="true" /> {words.chat.remove}
                </DropdownMenu.Item>
              </DropdownMenu.Content>
            </DropdownMenu.Portal>
          </DropdownMenu.Root>
        )}
        {stale && (
          <p
            role="status"
            title={words.state.offline}
            className="ms-auto flex shrink-0 items-center gap-2 px-2 text-[12.5px] text-brass"
          >
            <span className="size-1.5 animate-pulse rounded-full bg-brass-mark" />
            <span className="max-sm:sr-only">{words.state.offline}</span>
            <span className="sm:hidden" aria-hidden="true">
              {words.state.reconnecting}
            </span>
          </p>
        )}
      </div>
      {id !== undefined && (
        <>
          <Confirm
            open={asking === "delete"}
            onClose={() => setAsking(undefined)}
            onYes={() => remove.mutate({ id })}
            title={words.confirm.delete_title}
            text={words.confirm.delete_text(title || words.sidebar.untitled)}
            yes={words.confirm.delete_yes}
          />
          <Confirm
            open={asking === "clear"}
            onClose={() => setAsking(undefined)}
            onYes={() => void clear()}
            title={words.confirm.clear_title}
            text={words.confirm.clear_text}
            yes={words.confirm.clear_yes}
          />
          <Dialog open={details} onClose={() => setDetails(false)} title={words.details.title}>
            <Details id={id} agents={me.agents} />
          </Dialog>
        </>
      )}
    </header>
  );
}

function Details({ id, agents }: { id: string; agents: Me["agents"] }) {
  const { data, isPending, isError, refetch } = useQuery({
    queryKey: ["conversation", id],
    queryFn: ({ signal }) => api.conversation(id, signal),
    staleTime: 0,
  });
  if (isPending) return <Spinner className="mx-auto my-8 text-ink-3" />;
  if (isError || !data) return <Failed title={words.state.unreachable} onRetry={() => void refetch()} />;
  const { usage } = data;
  const rows: [string, string][] = [
    [words.details.created, date(data.created_at_ms)],
    [words.details.changed, date(data.updated_at_ms)],
    [words.details.messages, String(data.message_count)],
    [words.details.turns, String(data.turns)],
    [words.details.input, words.details.tokens(usage.input_tokens, usage.estimated ?? false)],
    [words.details.cached, words.details.tokens(usage.cached_input_tokens, false)],
    [words.details.output, words.details.tokens(usage.output_tokens, usage.estimated ?? false)],
    [words.details.cost, money(data.cost_micros)],
    [words.details.agent, agents.find((agent) => agent.id === data.agent)?.name ?? data.agent],
  ];
  return (
    <dl className="mt-2 divide-y divide-line text-[13.5px]">
      <div className="flex items-center gap-4 py-1">
        <dt className="w-36 shrink-0 text-ink-3">{words.details.id}</dt>
        <dd className="flex min-w-0 flex-1 items-center justify-between gap-1">
          <code className="truncate font-mono text-[12.5px]">{data.id}</code>
          <CopyButton text={data.id} label={words.details.copy_id} />
        </dd>
      </div>
      {rows.map(([label, value]) => (
        <div key={label} className="flex gap-4 py-2">
          <dt className="w-36 shrink-0 text-ink-3">{label}</dt>
          <dd className="tabular min-w-0 truncate">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
