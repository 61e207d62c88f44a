import { describe, expect, it } from "vitest";
import { assertSettingKey } from "../../../src/commands/setting-keys.ts";
import { isUserOnly, resolveSettings, type SettingLayer } from "../../../src/commands/settings.ts";

const source = (layer: SettingLayer, table: Record<string, never> | Record<string, unknown>) => ({
  layer,
  origin: layer,
  table: table as never,
});

describe("settings", () => {
  it("the stronger layer wins, key by key", () => {
    const layers: readonly SettingLayer[] = ["flag", "environment", "local", "shared", "user"];
    const sources = layers.map((layer, i) => source(layer, { train: { r: i, [layer]: i } }));
    for (let strongest = 0; strongest < layers.length; strongest++) {
      const settings = resolveSettings(sources.slice(strongest));
      expect(settings.find("train.r")).toEqual({
        key: "train.r",
        value: strongest,
        layer: layers[strongest],
        origin: layers[strongest],
      });
      expect(settings.number("train.user")).toBe(4);
    }
  });

  it("a repository can neither run programs nor set whom to trust", () => {
    const settings = resolveSettings([
      source("local", {
        core: { pager: "evil" },
        safe: { repository: "*" },
        remote: { origin: { token: "x", url: "/r" } },
        alias: { st: "!sh" },
      }),
      source("shared", { core: { editor: "evil" } }),
      source("user", { core: { pager: "less" } }),
    ]);
    expect(settings.all.map((s) => s.key)).toEqual(["remote.origin.url", "core.pager"]);
    expect(settings.text("core.pager")).toBe("less");
    expect(isUserOnly("train.learning_rate")).toBe(false);
  });

  it("values have their type or are absent", () => {
    const settings = resolveSettings([source("user", { a: { n: 1, t: "x", f: true } })]);
    expect([
      settings.number("a.n"),
      settings.text("a.n"),
      settings.flag("a.f"),
      settings.number("a.none"),
    ]).toEqual([1, undefined, true, undefined]);
    expect([...settings.under("a").keys()]).toEqual(["n", "t", "f"]);
  });

  it.each(["user.nam", "nonsense", "train.__proto__", "a b.c", ""])("'%s' is no setting", (key) => {
    expect(() => assertSettingKey(key)).toThrow(expect.objectContaining({ code: "usage.config" }));
  });

  it.each(["user.name", "train.learning_rate", "remote.origin.url", "gate.production.accuracy"])(
    "'%s' is one",
    (key) => {
      expect(() => assertSettingKey(key)).not.toThrow();
    },
  );
});
