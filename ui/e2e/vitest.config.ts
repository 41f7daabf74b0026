import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: new URL("..", import.meta.url).pathname,
    include: ["e2e/**/*.e2e.ts"],
    // The page's own test server fetches nothing: a wish is walked on the real program.
    exclude: process.env.MAJORDOMO_URL ? [] : ["e2e/wish.e2e.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: false,
    bail: process.env.CI ? 0 : 1,
  },
});
