import { defineConfig } from "vitest/config";

const fast = [
  "test/unit/**/*.test.{ts,tsx}",
  "test/contract/**/*.test.ts",
  "test/vectors/**/*.test.ts",
  "test/property/**/*.test.ts",
];
const slow = ["test/crash/**/*.test.ts", "test/e2e/**/*.test.ts", "test/engine/**/*.test.ts"];

export default defineConfig({
  test: {
    projects: [
      { test: { name: "fast", include: fast, testTimeout: 20_000 } },
      { test: { name: "slow", include: slow, testTimeout: 240_000, hookTimeout: 240_000 } },
    ],
  },
});
