import { describe, expect, it } from "vitest";
import { formatTime } from "../../../src/base/time.ts";

describe("times of records", () => {
  it.each([
    [0, "1970-01-01T00:00:00.000Z"],
    [1_767_225_600_000, "2026-01-01T00:00:00.000Z"],
    [8.64e15, "+275760-09-13T00:00:00.000Z"],
    [Number.MAX_SAFE_INTEGER, "+275760-09-13T00:00:00.000Z"],
  ])("%i ms is %s", (timeMs, text) => {
    expect(formatTime(timeMs)).toBe(text);
  });
});
