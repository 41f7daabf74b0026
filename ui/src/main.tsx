import { QueryClient, QueryClientProvider, useQuery, useQueryClient } from "@tanstack/react-query";
import { Tooltip } from "radix-ui";
import { lazy, StrictMode, Suspense, useEffect } from "react";
import { createRoot } from "react-dom/client";
import { ApiError, api, onSignedOut } from "./api/client";
import type { Me } from "./api/types";
import { forgetAll } from "./chat/store";
import { Mark } from "./kit/mark";
import { Notes } from "./kit/notes";
import { Failed, Fence } from "./kit/pieces";
import { SignIn, signInProblem, takeCode } from "./sign-in";
import "./kit/styles.css";
import { words } from "./words/en";

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (failures, reason) => failures < 2 && (!(reason instanceof ApiError) || reason.unreachable),
    },
  },
});

// Fetched while the service is asked who is signed in.
const loading_shell = import("./shell");
const Shell = lazy(() => loading_shell);

type Door = { me: Me } | { me: null; problem: string | undefined };

/** Signs in with a code from the address when there is one, and asks who is signed in otherwise. */
async function knock(): Promise<Door> {
  const code = takeCode();
  let problem: string | undefined;
  if (code !== undefined) {
    try {
      return { me: await api.login(code) };
    } catch (reason) {
      problem = signInProblem(reason);
    }
  }
  try {
    // An old code in a bookmarked link does no harm to somebody who is signed in.
    return { me: await api.me() };
  } catch (reason) {
    if (reason instanceof ApiError && (reason.status === 401 || reason.status === 403)) return { me: null, problem };
    throw reason;
  }
}

function App() {
  const queries = useQueryClient();
  const { data, isError, refetch } = useQuery({
    queryKey: ["me"],
    queryFn: () => knock(),
    staleTime: Number.POSITIVE_INFINITY,
  });

  useEffect(() => {
    onSignedOut(() => {
      forgetAll();
      queries.setQueryData<Door>(["me"], { me: null, problem: undefined });
    });
  }, [queries]);

  // A link opened in a window where the page already is changes the fragment only.
  useEffect(() => {
    const heard = () => {
      if (location.hash.startsWith("#code=")) void refetch();
    };
    window.addEventListener("hashchange", heard);
    return () => window.removeEventListener("hashchange", heard);
  }, [refetch]);

  if (data?.me) {
    return (
      <Suspense fallback={<Arriving />}>
        <Shell me={data.me} />
      </Suspense>
    );
  }
  if (data) {
    return <SignIn problem={data.problem} onSignedIn={(me) => queries.setQueryData<Door>(["me"], { me })} />;
  }
  if (!isError) return <Arriving />;
  return (
    <main className="grid h-full place-items-center">
      <Failed title={words.state.unreachable} hint={words.state.unreachable_hint} onRetry={() => void refetch()} />
    </main>
  );
}

function Arriving() {
  return (
    <main className="grid h-full place-items-center">
      <div role="status" aria-label={words.state.loading} className="animate-pulse">
        <Mark size={40} />
      </div>
    </main>
  );
}

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <Fence>
        <QueryClientProvider client={client}>
          <Tooltip.Provider delayDuration={500} skipDelayDuration={200}>
            <App />
            <Notes />
          </Tooltip.Provider>
        </QueryClientProvider>
      </Fence>
    </StrictMode>,
  );
}
