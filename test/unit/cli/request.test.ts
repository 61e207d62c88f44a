import { describe, expect, it } from "vitest";
import { LOADERS } from "../../../src/cli/loaders.ts";
import { COMMANDS, SYNONYMS } from "../../../src/cli/registry.ts";
import { readRequest } from "../../../src/cli/request.ts";

const summary = (argv: readonly string[]): string => {
  try {
    const request = readRequest(argv);
    if (request.kind === "command") return `${request.command.name}: ${request.argv.join(" ")}`;
    return request.kind === "help" ? `help ${request.words.join(" ")}` : request.kind;
  } catch (error) {
    return `${(error as { code: string }).code}: ${(error as { hint: string }).hint}`;
  }
};

describe("what a command line asks for", () => {
  it.each([
    [[], "overview"],
    [["--help"], "overview"],
    [["--version"], "version"],
    [["-C", "x", "status"], "status: -C x"],
    [["--json", "log", "-n", "1"], "log: --json -n 1"],
    [["data"], "data list: "],
    [["data", "add", "f"], "data add: f"],
    [["data", "--json"], "data list: --json"],
    [["switch", "main"], "checkout: main"],
    [["train", "x", "-h"], "help train"],
    [["data", "-h"], "help data"],
    [["data", "add", "--help"], "help data add"],
    [["run", "--", "-h"], "run: -- -h"],
    [["comit"], "usage.command: did you mean ingot train DATA?"],
    [["comit", "-h"], "usage.command: did you mean ingot train DATA?"],
    [["commit"], "usage.command: ingot train DATA"],
    [["chat"], "usage.command: ingot run"],
    [["statsu"], "usage.command: did you mean ingot status?"],
    [["data", "ad", "x"], "usage.command: did you mean ingot data add?"],
    [["xyzzyxyzzy"], "usage.command: ingot help"],
    [["__proto__"], "usage.command: ingot help"],
    [["-C"], "usage.flag: -C DIR"],
    [["--bogus"], "usage.flag: ingot help"],
    [["--bogus", "-h"], "overview"],
    [["--color=never"], "overview"],
    [["-qy"], "overview"],
  ])("%j: %s", (argv, expected) => {
    expect(summary(argv)).toBe(expected);
  });

  it("every verb has something that runs it, and nothing else has", () => {
    expect(Object.keys(LOADERS).sort()).toEqual(COMMANDS.map((c) => c.name).sort());
  });

  it("no synonym hides a verb", () => {
    const words = new Set(COMMANDS.flatMap((c) => [c.name.split(" ")[0]!, ...(c.aliases ?? [])]));
    expect(Object.keys(SYNONYMS).filter((s) => words.has(s))).toEqual([]);
  });
});
