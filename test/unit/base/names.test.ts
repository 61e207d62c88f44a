import { describe, expect, it } from "vitest";
import { assertName, assertRefName, isRefName } from "../../../src/base/names.ts";

const ID = "0123456789abcdef".repeat(4);
const LONGEST = "a".repeat(128);

describe("names", () => {
  it.each(["main", "eu/refunds", "a.b-c_d", "_x", "0", "V1", "v1x", "v01", "t", "head", LONGEST])(
    "takes '%s'",
    (name) => {
      expect(() => assertName(name, "typed")).not.toThrow();
    },
  );

  it.each([
    "",
    "-rf",
    "../../x",
    "a..b",
    "a.lock",
    "a@{1}",
    "HEAD",
    "latest",
    "base",
    "production",
    "staging",
    "v0",
    "v12",
    "t3",
    "e:4f2a91",
    "refs/x\n y",
    "main\r",
    " main",
    "a//b",
    "a/",
    "/a",
    ".a",
    `${LONGEST}a`,
    "\u{1f680}",
    "caf\u00e9",
    "a b",
    "a\\b",
    "a:b",
    "a~1",
    "a^",
    "*",
    ID,
  ])("refuses '%s'", (name) => {
    expect(() => assertName(name, "typed")).toThrow(expect.objectContaining({ code: "usage.name", exit: 2 }));
    expect(() => assertName(name, "record")).toThrow(
      expect.objectContaining({ code: "input.name", exit: 3 }),
    );
  });
});

describe("ref names", () => {
  it.each([
    "HEAD",
    "heads/main",
    "heads/eu/refunds",
    "tags/v0",
    "tags/v12",
    "tags/gold",
    "production",
    "staging",
    "canary",
    "data/faq/v1",
    "data/eu/faq/v12",
    "runs/t5/0",
    "runs/t5/1200",
    `about/${ID}/${ID}`,
    "dropped/v3",
    "remotes/origin/heads/main",
    "remotes/origin/tags/v3",
    "remotes/origin/production",
    "remotes/box-2/HEAD",
    `heads/${LONGEST}`,
    `remotes/origin/about/${ID}/${ID}`,
  ])("takes '%s'", (ref) => {
    expect(() => assertRefName(ref, "record")).not.toThrow();
    expect(isRefName(ref)).toBe(true);
  });

  it.each([
    "",
    "heads",
    "heads/",
    "heads/v1",
    "heads/HEAD",
    "heads/../x",
    "heads/a.lock",
    "tags/latest",
    "tags/t1",
    "data/faq",
    "data/faq/1",
    "data/v1",
    "runs/5/1",
    "runs/t5",
    "runs/t5/x",
    "runs/t5/1/2",
    "runs/t05/1",
    `about/${ID}`,
    `about/${ID}/x`,
    `about/${ID.toUpperCase()}/${ID}`,
    "dropped/3",
    "remotes/origin",
    "remotes/origin/",
    "remotes/origin/x/y",
    "remotes/a/remotes/b/HEAD",
    "refs/heads/main",
    "foo/bar",
    "latest",
    "base",
    "v3",
    "t3",
    "head/main\n",
    "__proto__/x",
    "constructor/x",
    `heads/${LONGEST}a`,
  ])("refuses '%s'", (ref) => {
    expect(() => assertRefName(ref, "record")).toThrow(expect.objectContaining({ code: "input.name" }));
    expect(() => assertRefName(ref, "typed")).toThrow(expect.objectContaining({ code: "usage.name" }));
  });
});
