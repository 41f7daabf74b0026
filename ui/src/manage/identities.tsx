/** A person's accounts on other channels, and how one's own are joined by a one-time code. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link2, Unlink } from "lucide-react";
import { useState } from "react";
import { api } from "../api/client";
import type { Identity, LinkCode, Person } from "../api/types";
import { noteFailure } from "../chat/conversations";
import { Isolated } from "../chat/isolated";
import { Button, Confirm, Failed, IconButton, Spinner, useNow } from "../kit/pieces";
import { words } from "../words/en";
import { forbidden, Secret, Waiting } from "./frame";

/** How soon a code that was typed elsewhere shows here. */
const WATCH_MS = 3_000;

export function Identities({ person, watching = false }: { person: Pick<Person, "id" | "name">; watching?: boolean }) {
  const client = useQueryClient();
  const key = ["identities", person.id];
  const { data, isPending, error, refetch } = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => api.identities(person.id, signal),
    refetchInterval: watching ? WATCH_MS : false,
  });
  const [removing, setRemoving] = useState<Identity>();
  const unlink = useMutation({
    mutationFn: (identity: Identity) => api.unlinkIdentity(person.id, identity),
    onError: noteFailure,
    onSettled: () => client.invalidateQueries({ queryKey: key }),
  });
  if (isPending) return <Waiting />;
  if (forbidden(error)) return <p className="mt-1 text-[13.5px] text-ink-3">{words.identities.forbidden}</p>;
  if (error) return <Failed title={words.identities.failed} onRetry={() => void refetch()} />;
  if (data.identities.length === 0) return <p className="mt-1 text-[13.5px] text-ink-2">{words.identities.none}</p>;
  return (
    <>
      <ul className="mt-1 divide-y divide-line">
        {data.identities.map((identity) => {
          const channel = words.identities.channel[identity.channel] ?? identity.channel;
          return (
            <li
              key={`${identity.channel} ${identity.account}`}
              className="flex items-center gap-3 py-1.5 text-[13.5px]"
            >
              <span className="w-24 shrink-0 font-medium">{channel}</span>
              <span className="tabular min-w-0 flex-1 text-ink-2">
                <Isolated text={identity.account} />
              </span>
              <IconButton
                label={`${words.identities.unlink}: ${channel} ${identity.account}`}
                onClick={() => setRemoving(identity)}
              >
                <Unlink size={15} />
              </IconButton>
            </li>
          );
        })}
      </ul>
      <Confirm
        open={removing !== undefined}
        onClose={() => setRemoving(undefined)}
        onYes={() => removing && unlink.mutate(removing)}
        title={words.identities.unlink_title(
          words.identities.channel[removing?.channel ?? ""] ?? removing?.channel ?? "",
        )}
        text={words.identities.unlink_text}
        yes={words.identities.unlink}
      />
    </>
  );
}

/** A code to type on another channel, with the time it still has. `onCode` is told while one is valid. */
export function LinkChannel({ onCode }: { onCode: (valid: boolean) => void }) {
  const [link, setLink] = useState<LinkCode>();
  const ask = useMutation({
    mutationFn: () => api.linkCode(),
    onError: noteFailure,
    onSuccess: (made) => {
      setLink(made);
      onCode(true);
    },
  });
  const now = useNow(link !== undefined);
  const seconds = link ? Math.max(0, Math.ceil((link.expires_at_ms - now) / 1000)) : 0;
  return (
    <div className="mt-3">
      {link && seconds > 0 ? (
        <div data-testid="link-code" className="max-w-md">
          <p className="mb-1.5 text-[13.5px] text-ink-2">{words.identities.type_it}</p>
          <Secret text={`link ${link.code}`} />
          <p className="tabular mt-1.5 text-[12.5px] text-ink-3">{words.identities.left(seconds)}</p>
        </div>
      ) : (
        <>
          {link && (
            <p role="status" className="mb-2 text-[13.5px] text-ink-2">
              {words.identities.over}
            </p>
          )}
          <Button disabled={ask.isPending} onClick={() => ask.mutate()}>
            {ask.isPending ? <Spinner size={14} /> : <Link2 size={15} aria-hidden="true" />} {words.identities.link}
          </Button>
        </>
      )}
    </div>
  );
}
