import { describe, expect, it } from "vitest";
import { assertTreePath, assertTreePaths, foldPath } from "../../../src/base/paths.ts";

describe("paths of a tree", () => {
  it.each([
    "model.onnx",
    "onnx/model.onnx",
    "a b/c",
    ".gitattributes",
    ".gitignore",
    ".ingotignore",
    "gitx",
    "git~x",
    "console.txt",
    "com",
    "com10",
    "caf\u00e9/\u65e5\u672c\u8a9e.json",
    "-rf",
    "@",
    "#",
    "a".repeat(255),
    "__proto__",
    "..a",
    "a..b",
    "~",
    "\u{1f469}\u200d\u{1f4bb}.txt",
  ])("takes '%s'", (path) => {
    expect(() => assertTreePath(path)).not.toThrow();
  });

  it.each([
    "",
    "..",
    "a/../../b",
    "/x",
    "a//b",
    "./a",
    "a/",
    "a/.",
    "/",
    "a/./b",
    ".ingot/config.toml",
    ".INGOT",
    ".ingot ",
    ".ingot.",
    "INGOT~1",
    ".i\u200cngot",
    ".git",
    "git~1",
    "a/.git/hooks/x",
    ".GIT",
    ".g\u2060it",
    "\uff0egit",
    "CON",
    "nul.onnx",
    "a/Aux",
    "COM1",
    "lpt\u00b9.txt",
    "con .txt",
    "conin$",
    "a:b",
    "a\\b",
    "a.",
    "a ",
    "a/b./c",
    "<",
    ">",
    '"',
    "|",
    "?",
    "*",
    "a\u0000b",
    "a\nb",
    "\u001b]0;",
    "\u007f",
    "\u0085",
    "a".repeat(256),
    `${"a/".repeat(2048)}a`,
    "a\ud800",
    "\u200b",
    "\u200b..",
  ])("refuses '%s'", (path) => {
    expect(() => assertTreePath(path)).toThrow(expect.objectContaining({ code: "input.path", exit: 3 }));
  });

  it.each([
    ["Model.onnx", "model.onnx"],
    ["caf\u00e9", "cafe\u0301"],
    ["stra\u00dfe", "strasse"],
    ["a", "a/b"],
    ["A/b", "a"],
    ["A/b", "a/c"],
    ["x", "x"],
    ["\ufb01le", "file"],
    ["a\u200bb", "ab"],
    ["\u03c3\u03c2", "\u03a3\u03a3"],
  ])("refuses '%s' beside '%s'", (a, b) => {
    for (const paths of [
      [a, b],
      [b, a],
      [a, "other", b],
    ]) {
      expect(() => assertTreePaths(paths)).toThrow(expect.objectContaining({ code: "input.path" }));
    }
  });

  it("takes neighbours that no file system confuses", () => {
    expect(() => assertTreePaths(["a", "a.b", "a-b/c", "a-b/d", "b/a", "b/b/a"])).not.toThrow();
  });

  it("folds once and for all", () => {
    for (const path of ["Stra\u00dfe", "\u0130I\u0131i", "\ufb03", "\u1e9e", "\u2126"])
      expect(foldPath(foldPath(path))).toBe(foldPath(path));
  });
});
