import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KEYMAP, type KeyAction } from "../../../src/tui/keymap.ts";
import { versionsShown } from "../../../src/tui/layout.ts";
import {
  initialScreen,
  matches,
  reduceScreen,
  type ScreenState,
  selectedVersion,
} from "../../../src/tui/screen.ts";
import { makeDetail, makeVersions } from "../../support/log-source.ts";

const SIZE = { columns: 100, rows: 30 };
const rows = makeVersions(50);

function screen(versions = rows, size = SIZE): ScreenState {
  return reduceScreen(initialScreen(size), { type: "versions", versions, more: false });
}

function press(state: ScreenState, ...actions: KeyAction[]): ScreenState {
  return actions.reduce((s, action) => reduceScreen(s, { type: "key", action }), state);
}

function type(state: ScreenState, text: string): ScreenState {
  return [...text].reduce((s, key) => reduceScreen(s, { type: "typed", key }), press(state, "search"));
}

const version = (state: ScreenState): string | undefined => selectedVersion(state)?.version;

describe("moving in the list", () => {
  it("starts on HEAD", () => {
    const moved = rows.map((row) => ({ ...row, current: row.version === "v7" }));
    expect(version(screen(moved))).toBe("v7");
  });

  it("reaches both ends and stays there", () => {
    const state = press(screen(), "bottom");
    expect(version(state)).toBe("v0");
    expect(version(press(state, "down"))).toBe("v0");
    expect(version(press(state, "top"))).toBe("v49");
    expect(version(press(state, "top", "up"))).toBe("v49");
  });

  it("moves by what the window shows", () => {
    const shown = versionsShown(screen().layout);
    expect(press(screen(), "page-down").selected).toBe(shown);
    expect(press(screen(), "page-down", "page-up").selected).toBe(0);
    expect(press(screen(), "half-down").selected).toBe(Math.ceil(shown / 2));
  });

  it("keeps the selection in the window, whatever keys, sizes and lists come", () => {
    const moves = fc.constantFrom<KeyAction>(
      "down",
      "up",
      "page-down",
      "page-up",
      "half-down",
      "half-up",
      "top",
      "bottom",
      "open",
      "back",
      "pane",
      "help",
      "diff",
      "mark",
    );
    const steps = fc.array(
      fc.oneof(
        moves.map((action) => ({ type: "key", action }) as const),
        fc
          .record({ columns: fc.integer({ min: 1, max: 250 }), rows: fc.integer({ min: 1, max: 80 }) })
          .map((size) => ({ type: "resize", size }) as const),
        fc
          .integer({ min: 0, max: 60 })
          .map((count) => ({ type: "versions", versions: makeVersions(count), more: false }) as const),
      ),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(steps, (actions) => {
        let state = initialScreen(SIZE);
        for (const action of actions) {
          state = reduceScreen(state, action);
          const { selected, top, versions, layout } = state;
          const shown = versionsShown(layout);
          expect(selected).toBeGreaterThanOrEqual(0);
          expect(selected).toBeLessThanOrEqual(Math.max(0, versions.length - 1));
          expect(top).toBeGreaterThanOrEqual(0);
          expect(top).toBeLessThanOrEqual(selected);
          expect(selected).toBeLessThan(top + shown);
          expect(top).toBeLessThanOrEqual(Math.max(0, versions.length - shown));
          expect(layout.list.width).toBeLessThanOrEqual(layout.width);
          expect(state.detailTop).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  it("stays on the same version when the list grows", () => {
    const state = press(screen(makeVersions(10)), "down", "down");
    const grown = reduceScreen(state, { type: "versions", versions: makeVersions(12), more: false });
    expect(version(grown)).toBe(version(state));
  });

  it("takes a first part of the list only where nothing is shown", () => {
    const part = reduceScreen(initialScreen(SIZE), {
      type: "versions",
      versions: rows.slice(0, 5),
      more: true,
    });
    expect(part).toMatchObject({ reading: true, versions: { length: 5 } });
    expect(
      reduceScreen(screen(), { type: "versions", versions: rows.slice(0, 5), more: true }).versions,
    ).toHaveLength(50);
  });
});

describe("detail", () => {
  const commit = rows[0]?.commit ?? "";

  it("is taken for the selected version alone", () => {
    const state = reduceScreen(screen(), { type: "detail", detail: makeDetail(commit) });
    expect(state.detail?.commit).toBe(commit);
    expect(press(state, "down").detail).toBeUndefined();
    expect(
      reduceScreen(press(state, "down"), { type: "detail", detail: makeDetail(commit) }).detail,
    ).toBeUndefined();
  });

  it("scrolls when it has the keys, and not past its end", () => {
    const state = press(
      reduceScreen(screen(), { type: "detail", detail: makeDetail(commit, 200) }),
      "open",
      "down",
    );
    expect(state).toMatchObject({ selected: 0, detailTop: 1 });
    const end = press(state, "bottom");
    expect(press(end, "page-down").detailTop).toBe(end.detailTop);
    expect(press(end, "top").detailTop).toBe(0);
    expect(press(end, "back", "down")).toMatchObject({ focus: "list", selected: 1 });
  });
});

describe("search", () => {
  it("follows what is typed, wraps around, and is forgotten by Esc", () => {
    let state = type(screen(), "v12");
    expect(version(state)).toBe("v12");
    state = reduceScreen(state, { type: "typed", key: "enter" });
    expect(version(press(state, "next-match"))).toBe("v12");
    expect(type(screen(), "v1x")).toMatchObject({ notice: "no version matches 'v1x'" });
    expect(reduceScreen(state, { type: "typed", key: "esc" }).search).toEqual({ text: "", typing: false });
  });

  it("goes both ways", () => {
    const state = reduceScreen(type(screen(), "v3"), { type: "typed", key: "enter" });
    expect(version(state)).toBe("v39");
    expect(version(press(state, "next-match"))).toBe("v38");
    expect(version(press(state, "next-match", "previous-match"))).toBe("v39");
  });

  it("looks at version, ref, message, data and id", () => {
    const row = makeVersions(4)[2];
    if (row === undefined) throw new Error("no row");
    for (const text of ["V1", "PROD", "training 1", "git-basics", row.commit.slice(0, 9)])
      expect(matches(row, text), text).toBe(true);
    expect(matches(row, "git-team")).toBe(false);
  });

  it("leaves keys alone while it is typed", () => {
    expect(type(screen(), "q j").search.text).toBe("q j");
  });
});

describe("difference", () => {
  it("is with the parent, or with the marked version", () => {
    expect(press(screen(), "diff").overlay).toMatchObject({
      kind: "difference",
      from: rows[1]?.commit,
      to: rows[0]?.commit,
    });
    expect(press(screen(), "mark", "bottom", "diff").overlay).toMatchObject({
      from: rows[0]?.commit,
      to: rows.at(-1)?.commit,
    });
    expect(press(screen(), "bottom", "diff")).toMatchObject({
      overlay: undefined,
      notice: expect.stringContaining("no parent"),
    });
  });

  it("takes the lines it waits for and no others", () => {
    const state = press(screen(), "diff");
    const [to, from] = [rows[0]?.commit ?? "", rows[1]?.commit ?? ""];
    expect(reduceScreen(state, { type: "difference", from, to: from, lines: ["x"] })).toBe(state);
    expect(reduceScreen(state, { type: "difference", from, to, lines: ["x"] }).overlay).toMatchObject({
      lines: ["x"],
    });
    expect(press(state, "back").overlay).toBeUndefined();
  });
});

describe("keymap", () => {
  it("gives each key to one action and each action to one row", () => {
    const keys = KEYMAP.flatMap((binding) => binding.keys);
    expect(new Set(keys).size).toBe(keys.length);
    expect(new Set(KEYMAP.map((binding) => binding.action)).size).toBe(KEYMAP.length);
  });
});
