/**
 * What a model wrote, drawn. Raw HTML is shown as text, links open elsewhere and are told nothing about us, and pictures
 * are links: the page loads nothing from third parties.
 */

import { memo, type ReactNode, useDeferredValue } from "react";
import ReactMarkdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";
import { CopyButton } from "../kit/pieces";
import { words } from "../words/en";

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

const components: Components = {
  a: ({ href, children }) =>
    href ? (
      <a href={href} target="_blank" rel="noopener noreferrer nofollow">
        {children}
      </a>
    ) : (
      <span>{children}</span>
    ),
  img: ({ src, alt }) =>
    typeof src === "string" && src !== "" ? (
      <a href={src} target="_blank" rel="noopener noreferrer nofollow">
        {words.answer.picture_link(alt ?? "")}
      </a>
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

export default memo(function Markdown({ text }: { text: string }) {
  // While text streams in, typing and scrolling go first.
  const shown = useDeferredValue(text);
  return (
    <div className="prose">
      <ReactMarkdown remarkPlugins={plugins} components={components}>
        {shown}
      </ReactMarkdown>
    </div>
  );
});
