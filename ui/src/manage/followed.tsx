/** An approval away from its conversation: asked for again while it moves, with the way to where it was asked. */

import { ArrowRight } from "lucide-react";
import { useEffect } from "react";
import { api } from "../api/client";
import type { Me, ShownApproval } from "../api/types";
import { ApprovalCard } from "../chat/approval";
import { addressOf } from "../kit/route";
import { words } from "../words/en";

/** How soon what is being done, or left the list, is asked for again. */
const FOLLOW_MS = 1_500;
const MOVING: ShownApproval["state"][] = ["approved", "running"];

export function Followed({
  approval,
  listed,
  me,
  onNews,
}: {
  approval: ShownApproval;
  listed: ShownApproval | undefined;
  me: Me;
  onNews: (approvals: ShownApproval[]) => void;
}) {
  const mine = approval.requester === me.person.id;
  const moving = MOVING.includes(approval.state) || (approval.state === "open" && listed === undefined);
  useEffect(() => {
    if (!moving) return;
    const ask = () =>
      void api.approval(approval.id).then(
        (now) => onNews([now]),
        () => {},
      );
    const timer = setInterval(ask, FOLLOW_MS);
    return () => clearInterval(timer);
  }, [moving, approval.id, onNews]);
  return (
    <ApprovalCard
      approval={approval}
      mine={mine}
      onNews={onNews}
      action={
        mine && (
          <a
            href={addressOf({ page: "conversation", id: approval.conversation })}
            className="ms-auto inline-flex items-center gap-1 rounded-md px-1 py-1 text-[13px] text-livery hover:underline"
          >
            {words.inbox.conversation} <ArrowRight size={13} aria-hidden="true" />
          </a>
        )
      }
    />
  );
}
