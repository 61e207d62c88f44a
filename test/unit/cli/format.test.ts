import { describe, expect, it } from "vitest";
import {
  formatBytes,
  formatChange,
  formatCount,
  formatDuration,
  formatLoss,
  formatMagnitude,
  table,
} from "../../../src/cli/render/format.ts";
import { plainLook } from "../../../src/cli/terminal.ts";

describe("figures", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 KB"],
    [18_400_000, "18.4 MB"],
    [999_960, "1.0 MB"],
    [538e6, "538 MB"],
    [2.1e9, "2.1 GB"],
  ])("%d bytes are %s", (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [850, "850 ms"],
    [12_400, "12s"],
    [3_200, "3.2s"],
    [252_000, "4m12s"],
    [11_100_000, "3h05m"],
    [187_200_000, "2d 4h"],
  ])("%d ms are %s", (ms, text) => expect(formatDuration(ms)).toBe(text));

  it("counts and magnitudes", () => {
    expect([
      formatCount(1380),
      formatCount(7),
      formatMagnitude(135e6),
      formatMagnitude(1.7e9),
      formatMagnitude(512),
      formatMagnitude(38_000),
    ]).toEqual(["1 380", "7", "135M", "1.7B", "512", "38K"]);
    expect([formatLoss(0.96), formatLoss(0.0123456), formatLoss(0)]).toEqual(["0.96", "0.0123", "0.00"]);
  });

  it("a change has glyph and sign, never colour alone", () => {
    expect(formatChange(plainLook, 0.1, "10.0", true)).toBe("▲+10.0");
    expect(formatChange({ ...plainLook, unicode: false }, -0.1, "10.0", true)).toBe("v-10.0");
    expect(formatChange(plainLook, 0, "0.0", true)).toBe("=");
  });

  it("columns line up", () => {
    expect(
      table([
        ["a", "bb", "c"],
        ["aaa", "b", ""],
      ]),
    ).toEqual(["a    bb  c", "aaa  b"]);
  });
});
