/** Around every page: the sidebar or, on a narrow screen, a drawer; the palette; the demo's banner. */

import { useQueryClient } from "@tanstack/react-query";
import { PanelLeft } from "lucide-react";
import { Dialog } from "radix-ui";
import { lazy, Suspense, useEffect, useState } from "react";
import type { Me } from "./api/types";
import { refreshApprovals, useWaitingForMe } from "./chat/approvals";
import { refreshConversations } from "./chat/conversations";
import { ChatPage } from "./chat/page";
import { SearchPalette } from "./chat/search";
import { Sidebar } from "./chat/sidebar";
import { onTouched } from "./chat/store";
import { DemoBanner } from "./demo";
import { Fence, IconButton, Spinner } from "./kit/pieces";
import { go, useRoute } from "./kit/route";
import { setting } from "./kit/settings";
import { words } from "./words/en";

const PAGES = {
  approvals: lazy(() => import("./manage/approvals")),
  you: lazy(() => import("./manage/you")),
  house: lazy(() => import("./manage/house")),
  people: lazy(() => import("./manage/people")),
  audit: lazy(() => import("./manage/audit")),
  requests: lazy(() => import("./media/requests")),
  library: lazy(() => import("./media/library")),
  taste: lazy(() => import("./media/taste")),
};

export default function Shell({ me }: { me: Me }) {
  const route = useRoute();
  const client = useQueryClient();
  const [drawer, setDrawer] = useState(false);
  const [searching, setSearching] = useState(false);
  const waiting = useWaitingForMe();

  useEffect(() => {
    onTouched((what) => void (what === "approvals" ? refreshApprovals(client) : refreshConversations(client)));
    return () => onTouched(() => {});
  }, [client]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: wherever one goes, the drawer has done its part
  useEffect(() => setDrawer(false), [route]);

  // The first page of a visit is where the last one ended.
  useEffect(() => {
    const last = setting("last_conversation");
    if (location.hash === "" && last !== "") go({ page: "conversation", id: last }, true);
  }, []);

  useEffect(() => {
    const heard = (event: KeyboardEvent) => {
      const control = event.ctrlKey || event.metaKey;
      if (!control || event.altKey) return;
      if (event.key.toLowerCase() === "k" && !event.shiftKey) {
        event.preventDefault();
        setSearching((open) => !open);
      }
      if (event.key.toLowerCase() === "o" && event.shiftKey) {
        event.preventDefault();
        go({ page: "new" });
      }
    };
    window.addEventListener("keydown", heard);
    return () => window.removeEventListener("keydown", heard);
  }, []);

  const Page = route.page === "conversation" || route.page === "new" ? undefined : PAGES[route.page];
  const start = (
    <span className="relative lg:hidden">
      <IconButton
        label={waiting > 0 ? `${words.sidebar.open}. ${words.inbox.waiting(waiting)}.` : words.sidebar.open}
        onClick={() => setDrawer(true)}
      >
        <PanelLeft size={18} />
      </IconButton>
      {waiting > 0 && (
        <span
          data-testid="dot"
          aria-hidden="true"
          className="pointer-events-none absolute top-1 right-1 size-2 rounded-full bg-livery ring-2 ring-paper"
        />
      )}
    </span>
  );
  const search = () => {
    setDrawer(false);
    setSearching(true);
  };

  return (
    <div className="flex h-dvh flex-col">
      <button
        type="button"
        onClick={() => document.getElementById("message")?.focus()}
        className="sr-only z-60 rounded-lg bg-livery px-4 py-2 text-on-livery focus:not-sr-only focus:absolute focus:top-2 focus:left-2"
      >
        {words.skip}
      </button>
      {me.demo && <DemoBanner demo={me.demo} />}
      <div className="flex min-h-0 flex-1">
        <aside className="hidden w-[272px] shrink-0 border-line border-e lg:block">
          <Sidebar me={me} onNavigate={() => {}} onSearch={search} />
        </aside>
        <main className="min-w-0 flex-1">
          <Fence place={route.page === "conversation" ? route.id : route.page}>
            {Page ? (
              <Suspense fallback={<Spinner className="m-10 text-ink-3" />}>
                <Page me={me} start={start} />
              </Suspense>
            ) : (
              <ChatPage id={route.page === "conversation" ? route.id : undefined} me={me} start={start} />
            )}
          </Fence>
        </main>
      </div>
      <Dialog.Root open={drawer} onOpenChange={setDrawer}>
        <Dialog.Portal>
          <Dialog.Overlay className="veil fixed inset-0 z-30 bg-veil lg:hidden" />
          <Dialog.Content
            aria-describedby={undefined}
            className="drawer fixed inset-y-0 left-0 z-30 w-[min(304px,84vw)] border-line border-e shadow-floating focus:outline-none lg:hidden"
          >
            <Dialog.Title className="sr-only">{words.sidebar.label}</Dialog.Title>
            <Sidebar me={me} onNavigate={() => setDrawer(false)} onSearch={search} />
          </Dialog.Content>
        </Dialog.Portal>
      </Dialog.Root>
      <SearchPalette open={searching} onClose={() => setSearching(false)} />
    </div>
  );
}
