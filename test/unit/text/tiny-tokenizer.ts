import { loadTokenizer, type Tokenizer, type TokenizerFiles } from "../../../src/text/tokenizer.ts";

export const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** The printable characters that byte-level BPE writes for the 256 bytes. */
function byteCharacters(): string[] {
  const isPlain = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 255 && byte !== 173);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPlain(byte) ? byte : next++));
}

/** One token a byte (id = byte), and special tokens from id 256. */
export function tinyTokenizerJson(
  specials: readonly string[],
  postProcessor: unknown = null,
): Record<string, unknown> & { readonly model: object } {
  return {
    added_tokens: specials.map((content, i) => ({ id: 256 + i, content, special: true, normalized: false })),
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: postProcessor,
    decoder: { type: "ByteLevel" },
    model: { type: "BPE", vocab: Object.fromEntries(byteCharacters().map((c, id) => [c, id])), merges: [] },
  };
}

export function tinyTokenizer(
  specials: readonly string[],
  config: Record<string, unknown>,
  more: { readonly postProcessor?: unknown; readonly files?: Partial<TokenizerFiles> } = {},
): Tokenizer {
  return loadTokenizer({
    tokenizerJson: json(tinyTokenizerJson(specials, more.postProcessor)),
    tokenizerConfig: json(config),
    ...more.files,
  });
}

/** `<s>` before and `</s>` after every text. */
export const FRAME = {
  type: "TemplateProcessing",
  single: [
    { SpecialToken: { id: "<s>", type_id: 0 } },
    { Sequence: { id: "A", type_id: 0 } },
    { SpecialToken: { id: "</s>", type_id: 0 } },
  ],
  pair: [],
  special_tokens: {
    "<s>": { id: "<s>", ids: [256], tokens: ["<s>"] },
    "</s>": { id: "</s>", ids: [257], tokens: ["</s>"] },
  },
};

export const CHATML =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
