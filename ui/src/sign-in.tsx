/** The door: a one-time code opens it, from the link's fragment or typed in. */

import { type FormEvent, useState } from "react";
import { ApiError, api } from "./api/client";
import type { Me } from "./api/types";
import { Mark } from "./kit/mark";
import { Button, field, Spinner } from "./kit/pieces";
import { words } from "./words/en";

/** The code in the address, taken out of it so that it is neither kept in history nor shown to a bystander. */
export function takeCode(): string | undefined {
  const code = new URLSearchParams(location.hash.replace(/^#/, "")).get("code");
  if (!code) return undefined;
  history.replaceState(null, "", `${location.pathname}${location.search}`);
  return code;
}

export function SignIn({ problem, onSignedIn }: { problem: string | undefined; onSignedIn: (me: Me) => void }) {
  const [code, setCode] = useState("");
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState(problem);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    // A whole link pasted is as good as its code.
    const pasted = code.trim();
    const bare = /#code=([^&\s]+)/.exec(pasted)?.[1] ?? pasted;
    if (bare === "") return;
    setBusy(true);
    setWrong(undefined);
    try {
      onSignedIn(await api.login(decodeURIComponent(bare)));
    } catch (reason) {
      setWrong(signInProblem(reason));
      setBusy(false);
    }
  };

  return (
    <main className="grid h-full place-items-center overflow-y-auto px-5 py-10">
      <div className="w-full max-w-[360px]">
        <Mark size={44} />
        <h1 className="mt-5 font-display text-[36px] leading-tight tracking-[-0.022em]">{words.sign_in.title}</h1>
        <p className="mt-2 text-[14.5px] text-ink-2">{words.sign_in.hint}</p>
        <form onSubmit={submit} className="mt-7">
          <label htmlFor="code" className="mb-1.5 block font-medium text-[13px]">
            {words.sign_in.code}
          </label>
          <input
            id="code"
            name="code"
            value={code}
            onChange={(event) => setCode(event.target.value)}
            autoComplete="one-time-code"
            autoCapitalize="off"
            autoCorrect="off"
            spellCheck={false}
            aria-invalid={wrong !== undefined}
            aria-describedby={wrong === undefined ? undefined : "wrong"}
            className={`${field} h-11! font-mono tracking-wide`}
          />
          {wrong !== undefined && (
            <p id="wrong" role="alert" className="mt-2 text-[13px] text-danger">
              {wrong}
            </p>
          )}
          <Button type="submit" kind="primary" disabled={busy || code.trim() === ""} className="mt-3.5 h-11! w-full">
            {busy && <Spinner />}
            {busy ? words.sign_in.busy : words.sign_in.submit}
          </Button>
        </form>
        <p className="mt-6 text-[12.5px] text-ink-3 leading-relaxed">{words.sign_in.lost}</p>
      </div>
    </main>
  );
}

export function signInProblem(reason: unknown): string {
  if (reason instanceof ApiError && !reason.unreachable && reason.status < 500) return words.sign_in.wrong;
  return reason instanceof Error ? reason.message : words.state.unreachable;
}
