/**
 * What a model wrote, drawn. Raw HTML is shown as text, a link opens only where `links.ts` lets it, and pictures are
 * links: the page loads nothing from third parties.
 */

import { createContext, memo, type ReactNode, useContext, useDeferredValue } from "react";
import ReactMarkdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";
import { CopyButton } from "../kit/pieces";
import { words } from "../words/en";
import { Isolated } from "./isolated";
import { type PointedAt, type Refusal, verdictOn } from "./links";

function plain(node: ReactNode): string {
  if (typeof node === "string" || typeof node === "number") return String(node);
  if (Array.isArray(node)) return node.map(plain).join("");
  if (node && typeof node === "object" && "props" in node) {
    return plain((node.props as { children?: ReactNode }).children);
  }
  return "";
}

function language(node: ReactNode): string {
  if (node && typeof node === "object" && "props" in node) {
    const name = (node.props as { className?: string }).className ?? "";
    return /language-([\w+#.-]+)/.exec(name)?.[1] ?? "";
  }
  return "";
}

/** A link that may not be clicked: its words, and where it would have gone. */
function Unopened({ address, refusal, children }: { address: string; refusal: Refusal; children?: ReactNode }) {
  const label = plain(children).trim();
  const same = label === "" || [label, `http://${label}`, `mailto:${label}`].includes(address);
  return (
    <span data-testid="unopened" title={words.answer.unopened[refusal]} className="unopened">
      {!same && <>{children} </>}
      <span className="address">
        {!same && "("}
        <Isolated text={address} />
        {!same && ")"}
      </span>
    </span>
  );
}

const Known = createContext<PointedAt | undefined>(undefined);

function Anchor({ address, label, children }: { address: string; label: string; children: ReactNode }) {
  const verdict = verdictOn(address, label, useContext(Known));
  if ("refusal" in verdict) {
    return (
      <Unopened address={address} refusal={verdict.refusal}>
        {children}
      </Unopened>
    );
  }
  return (
    <a href={verdict.href} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}

const components: Components = {
  a: ({ href = "", children, node }) => {
    // Footnotes point within the answer; the page's own address is not theirs to change.
    if (href === "" || href.startsWith("#user-content-")) return <span>{children}</span>;
    if (node?.children.some((child) => child.type === "element" && child.tagName === "img")) {
      return (
        <Unopened address={href} refusal="disguised">
          {children}
        </Unopened>
      );
    }
    return (
      <Anchor address={href} label={plain(children)}>
        {children}
      </Anchor>
    );
  },
  img: ({ src, alt = "" }) =>
    typeof src === "string" && src !== "" ? (
      <Anchor address={src} label={alt}>
        {words.answer.picture_link(alt)}
      </Anchor>
    ) : null,
  pre: ({ children }) => (
    <div className="code-block">
      <div className="flex h-9 items-center justify-between border-line border-b ps-3.5 pe-1">
        <span className="font-mono text-[11.5px] text-ink-3">{language(children)}</span>
        <CopyButton text={plain(children).replace(/\n$/, "")} label={words.answer.copy_code} className="size-7!" />
      </div>
      <pre tabIndex={0}>{children}</pre>
    </div>
  ),
  table: ({ children }) => (
    <div className="table-scroll" tabIndex={0}>
      <table>{children}</table>
    </div>
  ),
  // Style attributes are refused by the content policy; alignment goes without.
  th: ({ children }) => <th>{children}</th>,
  td: ({ children }) => <td>{children}</td>,
};

const plugins = [remarkGfm];

/** Addresses stay as they were written: what may be clicked is decided by `links.ts`, everything else is shown. */
const asWritten = (address: string) => address;

/** Without `known`, as while the text is being written, no link can be clicked. */
export default memo(function Markdown({ text, known }: { text: string; known: PointedAt | undefined }) {
  // While text streams in, typing and scrolling go first.
  const shown = useDeferredValue(text);
  return (
    <div className="prose">
      <Known value={known}>
        <ReactMarkdown remarkPlugins={plugins} components={components} urlTransform={asWritten}>
          {shown}
        </ReactMarkdown>
      </Known>
    </div>
  );
});
