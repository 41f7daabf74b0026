/** The conversations of the person, newest first, and the way to everything else. */

import { Clapperboard, Ellipsis, Hand, House, MessageSquarePlus, Pencil, Search, Ticket, Trash2 } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { memo, useMemo, useState } from "react";
import type { Conversation, Me } from "../api/types";
import { Mark } from "../kit/mark";
import { Badge, Button, Confirm, classes, menu, Spinner } from "../kit/pieces";
import { RenameField } from "../kit/rename-field";
import { addressOf, HOUSE_PAGES, useRoute } from "../kit/route";
import { isUnread, useSetting } from "../kit/settings";
import { PersonMenu } from "../person-menu";
import { words } from "../words/en";
import { useWaitingForMe } from "./approvals";
import { grouped, useConversations, useDelete, useRename } from "./conversations";
import { Isolated } from "./isolated";

const row =
  "flex h-9 w-full items-center gap-2.5 rounded-[10px] px-2.5 text-[13.5px] text-ink-2 transition-colors hover:bg-hover hover:text-ink pointer-coarse:h-10";

export function Sidebar({ me, onNavigate, onSearch }: { me: Me; onNavigate: () => void; onSearch: () => void }) {
  const route = useRoute();
  const waiting = useWaitingForMe();
  const in_library = route.page === "library" || route.page === "taste";
  const about_house = route.page !== "approvals" && HOUSE_PAGES.some((page) => page === route.page);
  return (
    <div className="safe-top flex h-full flex-col bg-linen">
      <div className="flex h-14 shrink-0 items-center gap-2.5 px-4.5">
        <Mark size={22} />
        <span className="font-display font-medium text-[19px] tracking-[-0.015em]">{words.name}</span>
      </div>
      <div className="space-y-0.5 px-2.5 pb-2">
        <a
          data-testid="new-conversation"
          href={addressOf({ page: "new" })}
          onClick={onNavigate}
          className={classes(row, "font-medium text-ink", route.page === "new" && "bg-hover")}
        >
          <MessageSquarePlus size={16.5} className="text-livery" aria-hidden="true" />
          {words.sidebar.new_conversation}
        </a>
        <button type="button" onClick={onSearch} className={row}>
          <Search size={16} aria-hidden="true" />
          {words.sidebar.search}
          <kbd className="ms-auto hidden font-sans text-[11.5px] text-ink-3 pointer-fine:inline">
            {/mac/i.test(navigator.userAgent) ? "⌘K" : "Ctrl K"}
          </kbd>
        </button>
      </div>
      <nav aria-label={words.sidebar.label} className="min-h-0 flex-1 overflow-y-auto px-2.5 pb-3">
        <List onNavigate={onNavigate} />
      </nav>
      <div className="safe-bottom space-y-0.5 border-line border-t px-2.5 pt-2">
        <a
          href={addressOf({ page: "approvals" })}
          onClick={onNavigate}
          aria-current={route.page === "approvals" ? "page" : undefined}
          className={classes(row, route.page === "approvals" && "bg-press text-ink")}
        >
          <Hand size={16} aria-hidden="true" />
          {words.pages.approvals}
          <Badge count={waiting} words={words.inbox.waiting(waiting)} className="ms-auto" />
        </a>
        <a
          href={addressOf({ page: "requests" })}
          onClick={onNavigate}
          aria-current={route.page === "requests" ? "page" : undefined}
          className={classes(row, route.page === "requests" && "bg-press text-ink")}
        >
          <Ticket size={16} aria-hidden="true" />
          {words.pages.requests}
        </a>
        <a
          href={addressOf({ page: "library" })}
          onClick={onNavigate}
          aria-current={in_library ? "page" : undefined}
          className={classes(row, in_library && "bg-press text-ink")}
        >
          <Clapperboard size={16} aria-hidden="true" />
          {words.pages.library}
        </a>
        <a
          href={addressOf({ page: "house" })}
          onClick={onNavigate}
          aria-current={route.page === "house" ? "page" : undefined}
          className={classes(row, about_house && "bg-press text-ink")}
        >
          <House size={16} aria-hidden="true" />
          {words.pages.house}
        </a>
        <PersonMenu me={me} className={row} />
      </div>
    </div>
  );
}

function List({ onNavigate }: { onNavigate: () => void }) {
  const { data, isPending, isError, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useConversations();
  const route = useRoute();
  const open = route.page === "conversation" ? route.id : undefined;
  const groups = useMemo(() => grouped(data ?? [], new Date()), [data]);

  if (isPending) {
    return (
      <div role="status" aria-label={words.state.loading} className="animate-pulse space-y-3.5 px-2.5 pt-4">
        {[70, 88, 54, 76].map((width) => (
          <div key={width} className="h-3.5 rounded-full bg-hover" style={{ width: `${width}%` }} />
        ))}
      </div>
    );
  }
  if (isError && !data) {
    return (
      <div className="px-2.5 pt-4 text-[13px] text-ink-2" role="alert">
        <p>{words.sidebar.failed}</p>
        <Button className="mt-2.5 h-8!" onClick={() => refetch()}>
          {words.state.try_again}
        </Button>
      </div>
    );
  }
  if (groups.length === 0) return <p className="px-2.5 pt-4 text-[13px] text-ink-3">{words.sidebar.empty}</p>;
  return (
    <>
      {groups.map((group) => (
        <section key={group.title} className="pt-3">
          <h2 className="px-2.5 pb-1 font-medium text-[12px] text-ink-3">{group.title}</h2>
          <ul className="space-y-px">
            {group.conversations.map((conversation) => (
              <Entry
                key={conversation.id}
                conversation={conversation}
                open={conversation.id === open}
                onNavigate={onNavigate}
              />
            ))}
          </ul>
        </section>
      ))}
      {hasNextPage && (
        <button type="button" className={classes(row, "mt-2 justify-center")} onClick={() => fetchNextPage()}>
          {isFetchingNextPage ? <Spinner /> : words.sidebar.more}
        </button>
      )}
    </>
  );
}

const Entry = memo(function Entry({
  conversation,
  open,
  onNavigate,
}: {
  conversation: Conversation;
  open: boolean;
  onNavigate: () => void;
}) {
  const [renaming, setRenaming] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const rename = useRename();
  const remove = useDelete();
  // Read marks live among the settings; following one follows all.
  useSetting("last_conversation");
  const title = conversation.title || words.sidebar.untitled;
  const unread = !open && !conversation.pending && isUnread(conversation.id, conversation.updated_at_ms);

  if (renaming) {
    return (
      <li>
        <RenameField
          title={conversation.title}
          className="h-9 w-full rounded-[10px] border border-livery bg-paper px-2.5 text-[13.5px] focus:outline-none max-sm:text-[16px] pointer-coarse:h-10"
          onDone={(next) => {
            setRenaming(false);
            if (next) rename.mutate({ id: conversation.id, title: next });
          }}
        />
      </li>
    );
  }
  return (
    <li
      data-testid="conversation"
      className={classes("group relative rounded-[10px] transition-colors", open ? "bg-press" : "hover:bg-hover")}
    >
      <a
        href={addressOf({ page: "conversation", id: conversation.id })}
        onClick={onNavigate}
        aria-current={open ? "page" : undefined}
        className={classes(
          "flex h-9 items-center gap-2 rounded-[10px] ps-2.5 pe-9 text-[13.5px] pointer-coarse:h-10",
          open || unread ? "text-ink" : "text-ink-2 group-hover:text-ink",
          unread && "font-medium",
        )}
      >
        <span className="truncate">
          <Isolated text={rename.isPending && rename.variables ? rename.variables.title : title} />
        </span>
        {(conversation.pending || unread) && (
          <span
            className={classes(
              "ms-auto size-1.5 shrink-0 rounded-full",
              conversation.pending ? "animate-pulse bg-brass-mark" : "bg-livery",
            )}
          >
            <span className="sr-only">{conversation.pending ? words.sidebar.pending : words.sidebar.unread}</span>
          </span>
        )}
      </a>
      <DropdownMenu.Root>
        <DropdownMenu.Trigger
          aria-label={words.sidebar.actions(title)}
          className="absolute top-1/2 right-1 grid size-7 -translate-y-1/2 place-items-center rounded-lg text-ink-3 opacity-0 hover:bg-press hover:text-ink focus-visible:opacity-100 group-hover:opacity-100 data-[state=open]:opacity-100 pointer-coarse:opacity-100"
        >
          <Ellipsis size={15} />
        </DropdownMenu.Trigger>
        <DropdownMenu.Portal>
          <DropdownMenu.Content
            align="start"
            sideOffset={4}
            className={menu.content}
            onCloseAutoFocus={(event) => renaming && event.preventDefault()}
          >
            <DropdownMenu.Item className={menu.item} onSelect={() => setRenaming(true)}>
              <Pencil size={14} aria-hidden="true" /> {words.sidebar.rename}
            </DropdownMenu.Item>
            <DropdownMenu.Item className={classes(menu.item, menu.danger)} onSelect={() => setDeleting(true)}>
              <Trash2 size={14} aria-hidden="true" /> {words.sidebar.remove}
            </DropdownMenu.Item>
          </DropdownMenu.Content>
        </DropdownMenu.Portal>
      </DropdownMenu.Root>
      <Confirm
        open={deleting}
        onClose={() => setDeleting(false)}
        onYes={() => remove.mutate({ id: conversation.id })}
        title={words.confirm.delete_title}
        text={words.confirm.delete_text(title)}
        yes={words.confirm.delete_yes}
      />
    </li>
  );
});
