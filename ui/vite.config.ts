import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { startFake } from "./e2e/fake.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** `npm run dev` talks to a running service; `npm run fake` starts the page's own test server and talks to that. */
export default defineConfig(async ({ mode, command }) => {
  let target = "http://127.0.0.1:8765";
  if (mode === "fake" && command === "serve") {
    const fake = await startFake();
    target = fake.url;
    console.info(`  sign in with http://localhost:5173/#code=${fake.code}`);
  }
  return {
    plugins: [react(), tailwindcss()],
    resolve: {
      alias: {
        // Radix locks scrolling of the body with a style element, which our content policy refuses. The page's body
        // never scrolls, so nothing is lost.
        "react-remove-scroll": here("./src/kit/no-scroll-lock.tsx"),
      },
    },
    build: {
      // The content policy allows fonts and scripts from files only.
      assetsInlineLimit: 0,
      chunkSizeWarningLimit: 700,
      modulePreload: { polyfill: false },
    },
    server: { proxy: Object.fromEntries(["/api", "/health", "/openapi.json"].map((path) => [path, target])) },
    test: { include: ["src/**/*.test.{ts,tsx}"], environment: "node" },
  };
});
