/** What the household asked for: the list, and one of them with its story, those who wait for it, and what can be done. */

import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import {
  ArrowLeft,
  Ban,
  Bell,
  BellRing,
  Check,
  ChevronRight,
  CircleAlert,
  CircleCheck,
  CircleDot,
  Download,
  Eye,
  Hand,
  Package,
  Pencil,
  Popcorn,
  TriangleAlert,
  Undo2,
  UserPlus,
} from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { type ReactNode, useEffect, useState } from "react";
import { ApiError, api } from "../api/client";
import type { Me, NoticeLevel, RequestStory, ShownRequest, StoryLine } from "../api/types";
import { Isolated } from "../chat/isolated";
import { note } from "../kit/notes";
import { Button, Confirm, classes, Failed, menu, Spinner } from "../kit/pieces";
import { addressOf, useRoute } from "../kit/route";
import { Choice, Frame, Waiting } from "../manage/frame";
import { WaitsForYes } from "../manage/waits";
import { bytes, date, day, words } from "../words/en";
import { Bar, Poster, Stale } from "./bits";
import { barOf, hasParts, isMoving, isWhole } from "./progress";
import { Reports } from "./reports";

const PAGE = 50;
/** How soon it is asked again while something moves and the page is looked at. */
const LIST_MS = 15_000;
const ONE_MS = 5_000;

const said = words.requests;

export default function RequestsPage({ me, start }: { me: Me; start: ReactNode }) {
  const route = useRoute();
  const id = route.page === "requests" ? route.id : undefined;
  const [filter, setFilter] = useState<"open" | "all">("open");
  const [own, setOwn] = useState(false);
  return (
    <Frame me={me} start={start} page="requests" hint={said.hint}>
      {id === undefined ? (
        <div>
          <Reports me={me} />
          <div className="mb-3 flex flex-wrap justify-between gap-2">
            <Choice
              label={said.whose}
              value={own ? "own" : "all"}
              options={[
                ["all", said.everybody],
                ["own", said.own],
              ]}
              onChange={(value) => setOwn(value === "own")}
            />
            <Choice
              label={said.which}
              value={filter}
              options={[
                ["open", said.open],
                ["all", said.all],
              ]}
              onChange={setFilter}
            />
          </div>
          <List filter={filter} own={own} />
        </div>
      ) : (
        <One key={id} id={id} me={me} />
      )}
    </Frame>
  );
}

function List({ filter, own }: { filter: "open" | "all"; own: boolean }) {
  const { data, isPending, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    queryKey: ["requests", filter, own],
    queryFn: ({ pageParam, signal }) =>
      api.requests({
        state: filter,
        own,
        limit: PAGE,
        signal,
        ...(pageParam === undefined ? {} : { before_ms: pageParam }),
      }),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: ({ requests }) => (requests.length < PAGE ? undefined : requests.at(-1)?.created_at_ms),
    refetchInterval: ({ state }) =>
      state.data?.pages.some(({ requests }) => requests.some(isMoving)) ? LIST_MS : false,
  });
  if (isPending) return <Waiting />;
  if (error && !data) return <Failed title={said.failed} onRetry={() => void refetch()} />;
  const requests = data?.pages.flatMap((page) => page.requests) ?? [];
  if (requests.length === 0) {
    return (
      <div className="flex flex-col items-center gap-2 py-14 text-center">
        <Popcorn size={26} strokeWidth={1.6} className="text-livery" aria-hidden="true" />
        <p className="text-[14px]">{own ? said.empty_own : filter === "open" ? said.empty_open : said.empty_all}</p>
        <p className="text-[13.5px] text-ink-3">{said.empty_hint}</p>
      </div>
    );
  }
  return (
    <>
      <Stale reason={error?.message} />
      <ul aria-label={said.list} className="divide-y divide-line border-line border-y">
        {requests.map((request) => (
          <Row key={request.id} request={request} />
        ))}
      </ul>
      {hasNextPage && (
        <Button kind="quiet" className="mt-2" onClick={() => void fetchNextPage()}>
          {isFetchingNextPage && <Spinner size={14} />} {said.older}
        </Button>
      )}
    </>
  );
}

function Row({ request }: { request: ShownRequest }) {
  const { id, title, picture, progress } = request;
  return (
    <li data-testid="request" data-state={request.state}>
      <a
        href={addressOf({ page: "requests", id })}
        className="group -mx-3 flex items-center gap-4 rounded-xl px-3 py-3.5 transition-colors hover:bg-hover"
      >
        <Poster picture={picture} className="w-[52px] self-start rounded-lg sm:w-[58px]" />
        <span className="min-w-0 flex-1">
          <span className="flex flex-wrap items-baseline gap-x-3">
            <span className="min-w-0 font-medium text-[15px] leading-snug">
              <Isolated text={title} />
            </span>
          </span>
          <span className="mt-0.5 block text-[12.5px] text-ink-3">
            {said.asked_by} {request.is_own ? said.you : <Isolated text={request.owner_name} />} ·{" "}
            {day(request.created_at_ms)}
          </span>
          <span className="mt-1.5 flex flex-wrap items-center gap-x-3 gap-y-0.5 text-[13px]">
            <State state={request.state} />
            {hasParts(request) && progress && (
              <span className="tabular text-ink-2">{said.parts(progress.here, progress.wanted, progress.unit)}</span>
            )}
          </span>
          {progress && progress.line !== "" && (
            <span className="mt-0.5 block overflow-y-clip text-[13px] text-ink-2 leading-snug">
              <Isolated text={progress.line} />
            </span>
          )}
          <Far request={request} className="mt-2 max-w-md" />
        </span>
        <ChevronRight
          size={16}
          aria-hidden="true"
          className="shrink-0 text-ink-3 opacity-60 transition-transform group-hover:translate-x-0.5"
        />
      </a>
    </li>
  );
}

/** The bar, with its figure where it is a download's. */
function Far({ request, className }: { request: ShownRequest; className?: string }) {
  const far = barOf(request);
  if (far === undefined) return null;
  return (
    <span className={classes("flex items-center gap-3", className)}>
      <Bar percent={far} of={said.progress(request.title)} className="flex-1" />
      {request.state === "downloading" && (
        <span className="tabular text-[12.5px] text-ink-2">{said.percent(Math.round(far))}</span>
      )}
    </span>
  );
}

const TONES: Record<string, [dot: string, text: string]> = {
  asked: ["bg-brass-mark", "text-brass"],
  wanted: ["border border-ink-3", "text-ink-2"],
  downloading: ["bg-livery animate-pulse", "text-livery"],
  downloaded: ["bg-livery", "text-livery"],
  partly: ["bg-livery", "text-livery"],
  watchable: ["bg-livery", "text-livery"],
  declined: ["bg-line-2", "text-ink-2"],
  failed: ["bg-danger", "text-danger"],
  cancelled: ["bg-line-2", "text-ink-2"],
};

function State({ state }: { state: string }) {
  const [dot, text] = TONES[state] ?? ["bg-line-2", "text-ink-2"];
  return (
    <span className={classes("inline-flex items-center gap-2 font-medium", text)}>
      {state === "watchable" ? (
        <CircleCheck size={14} aria-hidden="true" />
      ) : (
        <span className={classes("size-2 rounded-full", dot)} aria-hidden="true" />
      )}
      {said.state[state] ?? state}
    </span>
  );
}

function One({ id, me }: { id: string; me: Me }) {
  const { data, isPending, error, refetch } = useQuery({
    queryKey: ["requests", "one", id],
    queryFn: ({ signal }) => api.request(id, signal),
    refetchInterval: ({ state }) => (state.data && isMoving(state.data.request) ? ONE_MS : false),
  });
  const gone = error instanceof ApiError && (error.status === 404 || error.status === 403 || error.status === 400);
  return (
    <div>
      <a
        href={addressOf({ page: "requests" })}
        className="-ms-1 mb-4 inline-flex items-center gap-1.5 rounded-md px-1 py-0.5 text-[13.5px] text-livery hover:underline"
      >
        <ArrowLeft size={14} aria-hidden="true" /> {said.back}
      </a>
      {isPending ? (
        <Waiting />
      ) : gone ? (
        <Failed title={said.gone} hint={said.gone_hint} />
      ) : data ? (
        <>
          <Stale reason={error?.message} />
          <Story story={data} me={me} />
        </>
      ) : (
        <Failed title={said.one_failed} onRetry={() => void refetch()} />
      )}
    </div>
  );
}

function Story({ story, me }: { story: RequestStory; me: Me }) {
  const { request, watchers } = story;
  const { progress } = request;
  const client = useQueryClient();
  // The card stays to be seen through, also after its decision.
  const [asked, setAsked] = useState(request.approval_id ?? undefined);
  useEffect(() => {
    if (request.approval_id !== null) setAsked(request.approval_id);
  }, [request.approval_id]);
  const facts: [string, ReactNode][] = [
    [said.asked_by, <Isolated key="owner" text={request.is_own ? me.person.name : request.owner_name} />],
    [said.asked_at, date(request.created_at_ms)],
    ...(request.size_bytes === null ? [] : [[said.size, bytes(request.size_bytes)] as [string, ReactNode]]),
    ...(request.closed_at_ms === null ? [] : [[said.over_at, date(request.closed_at_ms)] as [string, ReactNode]]),
  ];
  return (
    <article aria-labelledby="request-title" data-testid="story" data-state={request.state}>
      <div className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-4 sm:grid-rows-[auto_1fr] sm:gap-x-7">
        <Poster
          picture={request.picture}
          className="w-[92px] self-start rounded-xl shadow-raised sm:row-span-2 sm:w-[168px]"
        />
        <div>
          <h2
            id="request-title"
            className="overflow-y-clip font-semibold text-[20px] leading-snug tracking-[-0.015em] sm:text-[23px]"
          >
            <Isolated text={request.title} />
          </h2>
          <p className="mt-1.5 flex flex-wrap items-center gap-x-3 gap-y-0.5 text-[14px]" role="status">
            <State state={request.state} />
            {hasParts(request) && progress && (
              <span className="tabular text-ink-2">
                {said.parts_ready(said.parts(progress.here, progress.wanted, progress.unit))}
              </span>
            )}
          </p>
          {progress && progress.line !== "" && (
            <p className="mt-1 overflow-y-clip text-[14px] text-ink-2 leading-snug">
              <Isolated text={progress.line} />
            </p>
          )}
          <Far request={request} className="mt-3 max-w-md" />
        </div>
        <div className="col-span-2 sm:col-span-1 sm:col-start-2">
          <dl className="grid grid-cols-[auto_1fr] gap-x-5 gap-y-1 text-[13.5px]">
            {facts.map(([label, value]) => (
              <div key={label} className="contents">
                <dt className="text-ink-3">{label}</dt>
                <dd className="tabular min-w-0">{value}</dd>
              </div>
            ))}
          </dl>
          <div className="mt-5 flex flex-wrap gap-2">
            <Actions story={story} />
          </div>
        </div>
      </div>

      {asked !== undefined && (
        <div className="mt-7 max-w-2xl">
          <WaitsForYes
            key={asked}
            id={asked}
            text={said.waits_for_yes}
            quiet
            me={me}
            onSettled={() => void client.invalidateQueries({ queryKey: ["requests"] })}
          />
        </div>
      )}

      <section aria-labelledby="request-waits" className="mt-9">
        <h3 id="request-waits" className="mb-2 font-semibold text-[15.5px] tracking-[-0.01em]">
          {said.waits}
        </h3>
        {watchers.length === 0 ? (
          <p className="text-[13.5px] text-ink-2">{said.nobody_waits}</p>
        ) : (
          <ul className="flex flex-wrap gap-2">
            {watchers.map((watcher) => (
              <li
                key={`${watcher.name} ${watcher.since_ms}`}
                data-testid="watcher"
                className="flex items-center gap-2.5 rounded-full border border-line bg-raised py-1 ps-1 pe-3.5 text-[13px]"
              >
                <span
                  aria-hidden="true"
                  className={classes(
                    "grid size-6 place-items-center rounded-full font-medium text-[11.5px]",
                    watcher.is_caller ? "bg-livery text-on-livery" : "bg-livery-soft text-livery",
                  )}
                >
                  {[...watcher.name][0]?.toUpperCase()}
                </span>
                <span className="min-w-0">
                  <span className="font-medium">
                    <Isolated text={watcher.name} />
                  </span>{" "}
                  <span className="text-ink-3">
                    {isWhole(request)
                      ? said.told_ready
                      : said.told_of(said.level[watcher.level]?.told ?? watcher.level)}
                  </span>
                </span>
              </li>
            ))}
          </ul>
        )}
      </section>

      <section aria-labelledby="request-story" className="mt-9">
        <h3 id="request-story" className="mb-3 font-semibold text-[15.5px] tracking-[-0.01em]">
          {said.story}
        </h3>
        <ol className="max-w-2xl">
          {story.story.map((line, place) => (
            <Line key={place} line={line} last={place === story.story.length - 1} />
          ))}
        </ol>
      </section>
    </article>
  );
}

const SIGNS: Record<string, [Sign: typeof Check, tone: string]> = {
  asked: [Hand, "text-brass"],
  joined: [UserPlus, "text-ink-2"],
  approved: [Check, "text-livery"],
  changed: [Pencil, "text-ink-2"],
  told: [BellRing, "text-livery"],
  trouble: [TriangleAlert, "text-brass"],
  grabbed: [Download, "text-ink-2"],
  imported: [Package, "text-ink-2"],
  upgraded: [Package, "text-ink-2"],
  download_failed: [CircleAlert, "text-brass"],
  deleted: [Ban, "text-brass"],
  report: [TriangleAlert, "text-brass"],
  wanted: [Eye, "text-ink-2"],
  downloading: [Download, "text-livery"],
  downloaded: [Package, "text-livery"],
  partly: [Popcorn, "text-livery"],
  watchable: [Popcorn, "text-livery"],
  declined: [Ban, "text-ink-2"],
  failed: [CircleAlert, "text-danger"],
  cancelled: [Undo2, "text-ink-2"],
};

/** One thing that happened. The first line of it says what, in the house's words; the rest is as it was told. */
function Line({ line, last }: { line: StoryLine; last: boolean }) {
  const [Sign, tone] = SIGNS[line.kind] ?? [CircleDot, "text-ink-2"];
  const what = said.state[line.kind] ?? said.kind[line.kind] ?? "";
  // Who asked or joined is the sentence itself; who approved or took back stands behind what happened.
  const acted = line.actor_name !== null && (line.kind === "asked" || line.kind === "joined");
  // What was told names them already: then it is that sentence.
  const whole = acted && line.actor_name !== null && line.text.startsWith(`${line.actor_name} `);
  return (
    <li data-testid="story-line" data-kind={line.kind} className="relative flex gap-3.5 pb-5 last:pb-0">
      {!last && <span aria-hidden="true" className="absolute top-8 bottom-0 left-[13.5px] w-px bg-line-2" />}
      <span
        aria-hidden="true"
        className={classes("grid size-7 shrink-0 place-items-center rounded-full border border-line bg-raised", tone)}
      >
        <Sign size={14} />
      </span>
      <div className="min-w-0 flex-1 overflow-y-clip pt-0.5">
        <p className="text-[14px] leading-snug">
          <span className="font-medium">
            {whole ? (
              <Isolated text={line.text} />
            ) : acted && line.actor_name !== null ? (
              <>
                <Isolated text={line.actor_name} /> {said.kind[line.kind]}
              </>
            ) : (
              what
            )}
          </span>
          {!acted && line.actor_name !== null && (
            <span className="text-ink-2">
              {" "}
              {words.approval.by} <Isolated text={line.actor_name} />
            </span>
          )}
        </p>
        {!whole && line.text !== "" && line.text !== what.toLowerCase() && (
          <p className="text-[13.5px] text-ink-2 leading-snug">
            <Isolated text={line.text} />
          </p>
        )}
        <time dateTime={new Date(line.at_ms).toISOString()} className="tabular text-[12.5px] text-ink-3">
          {date(line.at_ms)}
        </time>
      </div>
    </li>
  );
}

const LEVELS: NoticeLevel[] = ["first", "each", "group", "all"];
/** Of one thing all levels mean the same. */
const WHOLE: NoticeLevel[] = ["all"];

function Actions({ story: { request, watchers } }: { story: RequestStory }) {
  const client = useQueryClient();
  const [taking, setTaking] = useState(false);
  const refresh = () => client.invalidateQueries({ queryKey: ["requests"] });
  const refused = (reason: Error) => note(said.not_done(reason.message));
  const watch = useMutation({
    mutationFn: (level: NoticeLevel | undefined) =>
      level === undefined ? api.unwatchRequest(request.id) : api.watchRequest(request.id, level),
    onSuccess: (_nothing, level) => note(level === undefined ? said.told_no_more : said.told_now),
    onError: refused,
    onSettled: refresh,
  });
  const cancel = useMutation({
    mutationFn: () => api.cancelRequest(request.id),
    onSuccess: () => note(said.taken_back),
    onError: refused,
    onSettled: refresh,
  });
  const mine = watchers.find(({ is_caller }) => is_caller);
  const whole = isWhole(request);
  const told = mine && (whole ? said.told_film : said.told(said.level[mine.level]?.told ?? mine.level));
  return (
    <>
      {isMoving(request) && (
        <DropdownMenu.Root modal={false}>
          <DropdownMenu.Trigger asChild>
            {/* A disabled button would lose the focus the menu gives back. */}
            <Button kind={mine ? "plain" : "primary"} aria-busy={watch.isPending} data-testid="tell-me">
              {watch.isPending ? (
                <Spinner size={14} />
              ) : mine ? (
                <BellRing size={15} aria-hidden="true" />
              ) : (
                <Bell size={15} aria-hidden="true" />
              )}
              {told ?? said.tell_me}
            </Button>
          </DropdownMenu.Trigger>
          <DropdownMenu.Portal>
            <DropdownMenu.Content
              align="start"
              sideOffset={6}
              collisionPadding={12}
              className={classes(menu.content, "w-72")}
            >
              <DropdownMenu.Label className={menu.label}>{said.tell_when}</DropdownMenu.Label>
              <DropdownMenu.RadioGroup
                value={whole && mine ? "all" : (mine?.level ?? "")}
                onValueChange={(level) => watch.mutate(level as NoticeLevel)}
              >
                {(whole ? WHOLE : LEVELS).map((level) => (
                  <DropdownMenu.RadioItem
                    key={level}
                    value={level}
                    className="flex cursor-default select-none items-start gap-2.5 rounded-lg px-2.5 py-2 outline-none data-highlighted:bg-hover"
                  >
                    <span className="min-w-0 flex-1">
                      <span className="block font-medium leading-snug">
                        {whole ? said.when_ready : said.level[level]?.title}
                      </span>
                      <span className="block text-[12.5px] text-ink-3 leading-snug">
                        {whole ? said.when_ready_hint : said.level[level]?.hint}
                      </span>
                    </span>
                    <DropdownMenu.ItemIndicator className="pt-0.5">
                      <Check size={15} className="text-livery" />
                    </DropdownMenu.ItemIndicator>
                  </DropdownMenu.RadioItem>
                ))}
              </DropdownMenu.RadioGroup>
              {mine && (
                <>
                  <DropdownMenu.Separator className={menu.separator} />
                  <DropdownMenu.Item className={menu.item} onSelect={() => watch.mutate(undefined)}>
                    {said.tell_no_more}
                  </DropdownMenu.Item>
                </>
              )}
            </DropdownMenu.Content>
          </DropdownMenu.Portal>
        </DropdownMenu.Root>
      )}
      {request.may_cancel && (
        <Button disabled={cancel.isPending} onClick={() => setTaking(true)}>
          {cancel.isPending ? <Spinner size={14} /> : <Undo2 size={15} aria-hidden="true" />} {said.take_back}
        </Button>
      )}
      <Confirm
        open={taking}
        onClose={() => setTaking(false)}
        onYes={() => cancel.mutate()}
        title={said.take_back_title(request.title)}
        text={said.take_back_text}
        yes={said.take_back_yes}
      />
    </>
  );
}
