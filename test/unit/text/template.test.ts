import { describe, expect, it } from "vitest";
import { IngotError } from "../../../src/base/errors.ts";
import { type ChatMessage, parseChatTemplate, type RenderOptions } from "../../../src/text/template.ts";
import { CHATML } from "./tiny-tokenizer.ts";

const messages = [
  { role: "user", content: "a" },
  { role: "assistant", content: "b", weight: 0 },
];
const options = { addGenerationPrompt: false, bosToken: "<s>", eosToken: "</s>" };

const renderChat = (template: string, conversation: readonly ChatMessage[], how: RenderOptions): string =>
  parseChatTemplate(template).render(conversation, how);

describe("chat templates", () => {
  it("render a conversation", () => {
    expect(renderChat(CHATML, messages, options)).toBe(
      "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n",
    );
    expect(renderChat(CHATML, messages.slice(0, 1), { ...options, addGenerationPrompt: true })).toBe(
      "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n",
    );
    expect(
      renderChat("{{ bos_token }}{{ messages[0].content }}{{ eos_token }}{{ pad_token }}", messages, options),
    ).toBe("<s>a</s>");
  });

  it("see tools, but no weight, no clock and no host", () => {
    expect(renderChat("{{ tools[0].name }}", messages, { ...options, tools: [{ name: "f" }] })).toBe("f");
    expect(renderChat("{{ tools is defined }}", messages, options)).toBe("false");
    expect(renderChat("{{ messages[1].weight is defined }}", messages, options)).toBe("false");
    expect(
      renderChat("{% if strftime_now is defined %}now{% else %}26 Jul 2024{% endif %}", messages, options),
    ).toBe("26 Jul 2024");
    expect(renderChat("{{ process is defined }}{{ globalThis is defined }}", messages, options)).toBe(
      "falsefalse",
    );
  });

  it("may mark the answers", () => {
    const marked = "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}";
    expect(renderChat(marked, messages, options)).toBe("ab");
    expect(renderChat("x {%- generation -%} y {%- endgeneration %} z", messages, options)).toBe("xy z");
  });
});

const HOSTILE: readonly (readonly [name: string, template: string, code: string])[] = [
  [
    "loops in loops",
    "{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}",
    "limit.size",
  ],
  [
    "loops with a body",
    "{% for a in range(9000) %}{% for b in range(9000) %}{{ a + b }}{% endfor %}{% endfor %}",
    "limit.size",
  ],
  ["a range of 1e9", "{% for a in range(1000000000) %}{% endfor %}", "limit.size"],
  ["a range without end", "{{ range(1, 0 - 1, 0) }}", "input.tokenizer"],
  [
    "loops over a list that is kept",
    "{% set r = range(90000) %}{% for a in r %}{% for b in r %}{% endfor %}{% endfor %}",
    "limit.size",
  ],
  [
    "a text that doubles",
    `{% set ns = namespace(x='aaaaaaaa') %}{% for a in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x }}`,
    "limit.size",
  ],
  [
    "a list that doubles",
    `{% set ns = namespace(x=[1]) %}{% for a in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}`,
    "limit.size",
  ],
  ["a macro that calls itself", "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}", "input.tokenizer"],
  ["parentheses without end", `{{ ${"(".repeat(50_000)} }}`, "input.tokenizer"],
  ["lists in lists", `{{ ${"[".repeat(50_000)}${"]".repeat(50_000)} }}`, "input.tokenizer"],
  ["a tag that is not closed", "{% for a in messages %}", "input.tokenizer"],
  ["a tag that is none", "{% exec 'rm' %}", "input.tokenizer"],
  ["a megabyte", "x".repeat(2 << 20), "input.tokenizer"],
  ["a refusal", "{{ raise_exception('roles must alternate') }}", "input.tokenizer"],
  ["a call of what is no function", "{{ messages() }}", "input.tokenizer"],
  [
    "the way to a constructor",
    "{{ messages.constructor.constructor('return process')() }}",
    "input.tokenizer",
  ],
  ["the way to a prototype", "{{ messages.__proto__.polluted() }}", "input.tokenizer"],
  ["an import", "{% include '/etc/passwd' %}", "input.tokenizer"],
];

describe("hostile chat templates", () => {
  it.each(HOSTILE)("end: %s", (_name, template, code) => {
    const start = performance.now();
    try {
      renderChat(template, messages, options);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(IngotError);
      expect((error as IngotError).code).toBe(code);
      expect((error as IngotError).message.length).toBeLessThan(700);
    }
    expect(performance.now() - start).toBeLessThan(5000);
  });

  it("say why they refuse", () => {
    expect(() => renderChat("{{ raise_exception('roles must alternate') }}", messages, options)).toThrow(
      /roles must alternate/,
    );
  });
});
