/** The poster of a title somebody only named. It is asked for once, and shown only where the name fits exactly. */

import { useQuery } from "@tanstack/react-query";
import { api } from "../api/client";
import { Poster } from "./bits";
import { posterOf } from "./titles-fit";

const SEARCH = "tmdb_search_multi";

export function TitlePoster({ title, className }: { title: string; className: string }) {
  const { data } = useQuery({
    queryKey: ["tool", SEARCH, title],
    queryFn: ({ signal }) => api.runTool(SEARCH, { query: title, limit: 5 }, signal),
    select: ({ cards, is_error }) => (is_error ? null : posterOf(title, cards)),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  return <Poster picture={data ?? null} className={className} />;
}
