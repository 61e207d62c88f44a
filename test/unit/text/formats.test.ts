import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { IngotError } from "../../../src/base/errors.ts";
import { type ByteSource, bytesSource } from "../../../src/base/ports.ts";
import { openContainer } from "../../../src/text/container.ts";
import { type ReadOptions, readExamples } from "../../../src/text/dataset-file.ts";
import type { Example } from "../../../src/text/example.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

async function read(content: string | Uint8Array, name: string, options?: ReadOptions): Promise<Example[]> {
  const source = bytesSource(typeof content === "string" ? utf8(content) : content);
  const examples: Example[] = [];
  for await (const example of readExamples(source, name, options)) examples.push(example);
  return examples;
}

/** Plain copies, so that objects without a prototype compare equal. */
async function fieldsOf(
  content: string | Uint8Array,
  name: string,
  options?: ReadOptions,
): Promise<unknown[]> {
  const examples = await read(content, name, options);
  return examples.map(({ fields }) => JSON.parse(JSON.stringify(fields)));
}

const lines = (...rows: unknown[]): string => rows.map((row) => JSON.stringify(row)).join("\n");

const GOOD: readonly (readonly [name: string, row: unknown, format: string, fields?: unknown])[] = [
  [
    "chat",
    {
      messages: [
        { role: "user", content: "a" },
        { role: "assistant", content: "b" },
      ],
    },
    "chat",
  ],
  [
    "chat with the default weight",
    {
      messages: [
        { role: "user", content: "a" },
        { role: "assistant", content: "b", weight: 1 },
      ],
    },
    "chat",
    {
      messages: [
        { role: "user", content: "a" },
        { role: "assistant", content: "b" },
      ],
    },
  ],
  [
    "chat with a turn that is not trained",
    {
      messages: [
        { role: "assistant", content: "a", weight: 0 },
        { role: "assistant", content: "b" },
      ],
    },
    "chat",
  ],
  [
    "chat with content in parts",
    {
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "a" },
            { type: "text", text: "b" },
          ],
        },
      ],
    },
    "chat",
    { messages: [{ role: "user", content: "ab" }] },
  ],
  [
    "chat with tools",
    {
      messages: [
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "1", function: { name: "f", arguments: null } }],
        },
      ],
      tools: [{ type: "function" }],
      source: "else",
    },
    "chat",
    {
      messages: [{ role: "assistant", tool_calls: [{ id: "1", function: { name: "f" } }] }],
      tools: [{ type: "function" }],
    },
  ],
  [
    "prompt and completion",
    { prompt: "a", completion: "b", id: 7 },
    "prompt-completion",
    { prompt: "a", completion: "b" },
  ],
  [
    "prompt and completion as messages",
    { prompt: [{ role: "user", content: "a" }], completion: [{ role: "assistant", content: "b" }] },
    "prompt-completion",
  ],
  ["instruction", { instruction: "a", input: "c", output: "b" }, "instruction"],
  [
    "instruction without input",
    { instruction: "a", input: "", output: "b" },
    "instruction",
    { instruction: "a", output: "b" },
  ],
  [
    "conversations",
    {
      conversations: [
        { from: "human", value: "a" },
        { from: "gpt", value: "b" },
      ],
    },
    "conversations",
  ],
  ["text", { text: "a", label: null }, "text", { text: "a" }],
  ["text and label", { text: "a", label: "x" }, "text-label"],
  ["text and number", { text: "a", label: 3 }, "text-label"],
  ["preference", { prompt: "a", chosen: "b", rejected: "c" }, "preference"],
  ["tokens", { input_ids: [1, 2, 3], attention_mask: [1, 1, 0], labels: [-100, 2, -100] }, "tokens"],
  ["tokens with one label", { input_ids: [1, 2], token_type_ids: [0, 0], labels: 4 }, "tokens"],
  ["tokens for a decoder", { input_ids: [1, 2], decoder_input_ids: [0, 5, 6], labels: [5, 6, 1] }, "tokens"],
];

describe("formats of rows", () => {
  it.each(GOOD)("reads %s", async (_name, row, format, fields) => {
    const [example] = await read(lines(row), "x.jsonl");
    expect(example?.format).toBe(format);
    expect(JSON.parse(JSON.stringify(example?.fields))).toEqual(fields ?? row);
  });

  it("reads a JSON array, gzip, a mark, CRLF and blank lines as the same rows", async () => {
    const rows = [{ text: "a" }, { text: "é, “b” [{" }];
    const ids = (await read(lines(...rows), "x.jsonl")).map(({ id }) => id);
    const same: readonly (readonly [string, string | Uint8Array])[] = [
      ["x.json", JSON.stringify(rows)],
      ["x.json", `\n  ${JSON.stringify(rows, null, 2)}\n`],
      ["x.json", lines(...rows)],
      ["x.jsonl", `\ufeff${lines(...rows)}\r\n\r\n`],
      ["x.jsonl", `\n${lines(...rows).replace("\n", "\r\n\n \t\n")}`],
      ["x.jsonl.gz", gzipSync(lines(...rows))],
      ["x.json.gz", gzipSync(JSON.stringify(rows))],
      ["x.csv", 'text\na\n"é, “b” [{"\n'],
      ["-", lines(...rows)],
      ["-", JSON.stringify(rows)],
      ["x.txt", "a\n\né, “b” [{\n"],
    ];
    for (const [name, content] of same) {
      expect(
        (await read(content, name)).map(({ id }) => id),
        name,
      ).toEqual(ids);
    }
  });

  it("knows the line of every row", async () => {
    const at = async (content: string, name: string): Promise<number[]> =>
      (await read(content, name)).map(({ line }) => line);
    expect(await at('{"text":"a"}\n\n{"text":"b"}', "x.jsonl")).toEqual([1, 3]);
    expect(await at('[\n{"text":"a"},\n\n{"text":\n"b"}]', "x.json")).toEqual([2, 4]);
    expect(await at('text\n"a\nb"\nc', "x.csv")).toEqual([2, 4]);
    expect(await at("\n\na\nb\n\n\nc", "x.md")).toEqual([3, 7]);
  });

  it("reads tables, with the user's names for columns", async () => {
    expect(await fieldsOf('prompt,completion\n"say ""hi"", now",hi\n', "x.csv")).toEqual([
      { prompt: 'say "hi", now', completion: "hi" },
    ]);
    expect(await fieldsOf("a\tb\nx\ty", "x.tsv", { columns: { prompt: "a", completion: "b" } })).toEqual([
      { prompt: "x", completion: "y" },
    ]);
    expect(await fieldsOf("t,class\nx,3\ny,03", "-", { columns: { text: "t", label: "class" } })).toEqual([
      { text: "x", label: 3 },
      { text: "y", label: "03" },
    ]);
    expect(
      await fieldsOf(lines({ q: "x", a: "y" }), "x.jsonl", { columns: { prompt: "q", completion: "a" } }),
    ).toEqual([{ prompt: "x", completion: "y" }]);
    expect((await read("text,label\nx,3", "x.csv"))[0]?.id).toBe(
      (await read(lines({ label: 3, text: "x" }), "x.jsonl"))[0]?.id,
    );
  });

  it("says how a file is read", async () => {
    const packed = new Uint8Array(gzipSync(lines({ text: "a", label: 1 })));
    const options = { paragraphs: false, delimited: false };
    const { kind, packed: isPacked } = await openContainer(bytesSource(packed), "x.jsonl.gz", options);
    expect([kind, isPacked]).toEqual(["jsonl", true]);
    expect((await read(packed, "x.jsonl.gz")).map(({ format }) => format)).toEqual(["text-label"]);
  });

  it("takes the format it is told", async () => {
    const row = { prompt: "a", completion: "b", text: "c" };
    expect(await fieldsOf(lines(row), "x.jsonl", { as: "text" })).toEqual([{ text: "c" }]);
    expect(await fieldsOf("a\nb", "notes", { as: "text" })).toEqual([{ text: "a\nb" }]);
    await expect(read(lines(row), "x.jsonl", { as: "txt" })).rejects.toMatchObject({
      code: "usage.flag",
      hint: "--as text",
    });
  });

  it("leaves prototypes alone", async () => {
    const [example] = await read('{"text":"a","__proto__":{"polluted":1},"constructor":2}', "x.jsonl");
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(Object.getPrototypeOf(example?.fields)).toBeNull();
    const tools = '{"messages":[{"role":"user","content":"a","__proto__":{"x":1}}]}';
    const [chat] = await read(tools, "x.jsonl");
    const [message] = (chat as Example).fields.messages as readonly object[];
    expect(Object.keys(message ?? {})).toContain("__proto__");
    expect((message as Record<string, unknown>).x).toBeUndefined();
  });

  it("holds one row in memory, whatever the size of the file", async () => {
    const row = utf8(`{"text":"${"x".repeat(1 << 20)}"}\n`);
    const count = 200;
    let most = 0;
    const source: ByteSource = {
      sizeBytes: row.length * count,
      read: async (offset, length) =>
        Uint8Array.from({ length }, (_, i) => row[(offset + i) % row.length] as number),
    };
    let seen = 0;
    for await (const _ of readExamples(source, "x.jsonl")) {
      seen += 1;
      if (seen === 6) break;
      most = Math.max(most, process.memoryUsage().arrayBuffers);
    }
    expect(seen).toBe(6);
    expect(most).toBeLessThan(100 << 20);
  });
});

const BROKEN: readonly (readonly [
  name: string,
  file: string,
  content: string | Uint8Array,
  code: string,
  where: string,
])[] = [
  ["no bytes", "x.jsonl", "", "input.format", "x.jsonl"],
  ["blank lines only", "x.jsonl", "\n \n", "input.format", "x.jsonl"],
  ["text that is no JSON", "x.jsonl", '{"text":"a"}\nhello', "input.row", "x.jsonl:2:1"],
  ["an object cut off", "x.jsonl", '{"text":"a', "input.row", "x.jsonl:1:9"],
  ["two objects on a line", "x.jsonl", '{"text":"a"}{"text":"b"}', "input.row", "x.jsonl:1:13"],
  ["a repeated key", "x.jsonl", '{"text":"a","text":"b"}', "input.row", "x.jsonl:1:13"],
  ["a number beyond the range", "x.jsonl", '{"text":"a","label":1e400}', "input.row", "x.jsonl:1:21"],
  ["a lone surrogate", "x.jsonl", '{"text":"\\ud800"}', "input.row", "x.jsonl:1:9"],
  ["a raw NUL", "x.jsonl", '{"text":"\0"}', "input.row", "x.jsonl:1:10"],
  ["nesting without end", "x.jsonl", `{"messages":${"[".repeat(100_000)}`, "input.row", "x.jsonl:1:"],
  [
    "bytes that are no UTF-8",
    "x.jsonl",
    Uint8Array.of(...utf8('{"text":"a"}\n{"text":"'), 0xff, 0x22, 0x7d),
    "input.row",
    "x.jsonl:2:10",
  ],
  ["a mark within the file", "x.jsonl", '{"text":"a"}\n\ufeff{"text":"b"}', "input.row", "x.jsonl:2:1"],
  ["a row that is no object", "x.jsonl", '{"text":"a"}\n[1]', "input.row", "x.jsonl:2"],
  ["a line of 17 MB", "x.jsonl", `{"text":"${"x".repeat(17 << 20)}"}`, "input.row", "x.jsonl:1"],
  ["keys of no format", "x.jsonl", '{"question":"a","answer":"b"}', "input.format", "x.jsonl:1"],
  ["two readings", "x.jsonl", '{"prompt":"a","completion":"b","text":"c"}', "input.format", "x.jsonl:1"],
  [
    "a row of another format",
    "x.jsonl",
    '{"text":"a"}\n{"prompt":"a","completion":"b"}',
    "input.row",
    "x.jsonl:2",
  ],
  ["a label in a file of texts", "x.jsonl", '{"text":"a"}\n{"text":"a","label":1}', "input.row", "x.jsonl:2"],
  ["a prompt that is a number", "x.jsonl", '{"prompt":1,"completion":"b"}', "input.row", "x.jsonl:1"],
  ["messages without role", "x.jsonl", '{"messages":[{"content":"a"}]}', "input.row", "x.jsonl:1"],
  ["no messages", "x.jsonl", '{"messages":[]}', "input.row", "x.jsonl:1"],
  ["messages that are text", "x.jsonl", '{"messages":"a"}', "input.row", "x.jsonl:1"],
  ["a message without content", "x.jsonl", '{"messages":[{"role":"user"}]}', "input.row", "x.jsonl:1"],
  [
    "an image in a message",
    "x.jsonl",
    '{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}',
    "input.row",
    "x.jsonl:1",
  ],
  [
    "a weight of 2",
    "x.jsonl",
    '{"messages":[{"role":"assistant","content":"a","weight":2}]}',
    "input.row",
    "x.jsonl:1",
  ],
  [
    "a weight on a question",
    "x.jsonl",
    '{"messages":[{"role":"user","content":"a","weight":0}]}',
    "input.row",
    "x.jsonl:1",
  ],
  [
    "an unknown speaker",
    "x.jsonl",
    '{"conversations":[{"from":"bob","value":"a"}]}',
    "input.row",
    "x.jsonl:1",
  ],
  ["an empty label", "x.jsonl", '{"text":"a","label":""}', "input.row", "x.jsonl:1"],
  ["a label that is a list", "x.jsonl", '{"text":"a","label":[1]}', "input.row", "x.jsonl:1"],
  ["negative tokens", "x.jsonl", '{"input_ids":[1,-2]}', "input.row", "x.jsonl:1"],
  ["tokens that are fractions", "x.jsonl", '{"input_ids":[1.5]}', "input.row", "x.jsonl:1"],
  ["tokens beyond 2^31", "x.jsonl", '{"input_ids":[2147483648]}', "input.row", "x.jsonl:1"],
  ["fewer labels than tokens", "x.jsonl", '{"input_ids":[1,2],"labels":[1]}', "input.row", "x.jsonl:1"],
  [
    "a mask that is too long",
    "x.jsonl",
    '{"input_ids":[1],"attention_mask":[1,1]}',
    "input.row",
    "x.jsonl:1",
  ],
  ["no tokens", "x.jsonl", '{"input_ids":[]}', "input.row", "x.jsonl:1"],
  ["an array cut off", "x.json", '[{"text":"a"},\n{"text":"b"}', "input.format", "x.json:2"],
  ["an array with a comma too many", "x.json", '[{"text":"a"},]', "input.format", "x.json:1"],
  ["an array without a comma", "x.json", '[{"text":"a"}{"text":"b"}]', "input.format", "x.json:1"],
  ["an array of numbers", "x.json", "[1,2]", "input.format", "x.json:1"],
  ["text after an array", "x.json", '[{"text":"a"}]\nx', "input.format", "x.json:2"],
  ["an empty array", "x.json", "[]", "input.format", "x.json"],
  ["a bad element", "x.json", '[{"text":"a"},\n{"text":\n oops}]', "input.row", "x.json:3:2"],
  ["a pretty object that is no row", "x.json", '{\n "data": []\n}', "input.row", "x.json:1:2"],
  ["a header only", "x.csv", "text,label\n", "input.format", "x.csv"],
  ["a column twice", "x.csv", "text,text\na,b", "input.format", "x.csv:1"],
  ["a short record", "x.csv", "text,label\na,1\nb", "input.row", "x.csv:3"],
  ["a quote without end", "x.csv", 'text\na\n"b\nc', "input.row", "x.csv:3"],
  ["a quote within a cell", "x.csv", 'text\na"b"', "input.row", "x.csv:2"],
  ["text after a quote", "x.csv", 'text\n"a"b', "input.row", "x.csv:2"],
  ["a table of chats", "x.csv", "messages\n[]", "input.format", "x.csv"],
  [
    "a gzip cut off",
    "x.jsonl.gz",
    gzipSync(lines({ text: "a".repeat(1000) })).subarray(0, 20),
    "input.format",
    "x.jsonl.gz",
  ],
  [
    "a gzip with flipped bits",
    "x.jsonl.gz",
    gzipSync("x".repeat(5000)).map((byte, i) => (i === 15 ? byte ^ 255 : byte)),
    "input.format",
    "x.jsonl.gz",
  ],
  ["a pickle", "x.jsonl", Uint8Array.of(0x80, 4, 0x95, 1, 2, 3), "input.format", "x.jsonl"],
  ["a zip", "x.csv", "PK\u0003\u0004rest", "input.format", "x.csv"],
  ["Parquet", "x.parquet", "PAR1rest", "input.format", "x.parquet"],
  ["UTF-16", "x.txt", Uint8Array.of(0xff, 0xfe, 0x61, 0), "input.format", "x.txt"],
  ["NUL in a text", "x.txt", "a\n\nb\0c", "input.row", "x.txt:3"],
  ["an unknown kind of file", "x.dat", "hello", "input.format", "x.dat"],
];

async function refusal(promise: Promise<unknown>): Promise<IngotError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(IngotError);
  return error as IngotError;
}

describe("broken files", () => {
  it.each(BROKEN)("refuses %s", async (_name, file, content, code, where) => {
    const error = await refusal(read(content, file));
    expect([error.code, error.message]).toEqual([code, error.message]);
    expect(String(error.data.where)).toContain(where);
    expect(error.message).toMatch(/^['a-z]/);
    expect(error.message).not.toMatch(/\.$|undefined|\[object/);
  });

  it("names both readings and how to choose", async () => {
    const error = await refusal(read('{"prompt":"a","completion":"b","text":"c"}', "x.jsonl"));
    expect(error.message).toBe("the row at 'x.jsonl:1' can be read as 'prompt-completion' and as 'text'");
    expect(error.hint).toBe("say which: --as prompt-completion or --as text");
  });

  it("leaves bad rows out when told, and counts them", async () => {
    const content = [
      '{"text":"a"}',
      "oops",
      '{"prompt":"x"}',
      '{"text":"b"}',
      `{"text":"${"x".repeat(17 << 20)}"}`,
      '{"text":"c"}',
    ].join("\n");
    const skipped: unknown[] = [];
    const kept = await fieldsOf(content, "x.jsonl", {
      skipBad: true,
      onSkip: ({ data }) => skipped.push(data.line),
    });
    expect(kept).toEqual([{ text: "a" }, { text: "b" }, { text: "c" }]);
    expect(skipped).toEqual([2, 3, 5]);
  });

  it("stops a gzip bomb", async () => {
    const megabyte = gzipSync("\n".repeat(1 << 20));
    const bomb = Buffer.concat(new Array(90).fill(megabyte));
    const error = await refusal(read(new Uint8Array(bomb), "x.jsonl.gz"));
    expect(error.code).toBe("limit.size");
  });

  it("finds every cut of a file in a row, or reads what is whole", async () => {
    const content = utf8(lines({ text: "aé" }, { text: "b" }));
    for (let length = 1; length < content.length; length++) {
      const outcome = await read(content.slice(0, length), "x.jsonl").then(
        (examples) => examples.length,
        (error: unknown) => (error as IngotError).code,
      );
      expect([1, 2, "input.row"], `${length} bytes`).toContain(outcome);
    }
  });
});
