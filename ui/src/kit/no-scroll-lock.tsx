/** Stands in for react-remove-scroll (see vite.config.ts): same shape, no style element, no scroll lock. */

import { Slot } from "radix-ui";
import type { ReactNode } from "react";

interface Properties {
  as?: unknown;
  children?: ReactNode;
  [name: string]: unknown;
}

export function RemoveScroll({
  as: _as,
  children,
  allowPinchZoom: _pinch,
  shards: _shards,
  enabled: _enabled,
  ...rest
}: Properties) {
  return <Slot.Root {...rest}>{children}</Slot.Root>;
}

RemoveScroll.classNames = { fullWidth: "", zeroRight: "" };

export default RemoveScroll;
