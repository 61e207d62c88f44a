import { describe, expect, it } from "vitest";
import { refusal } from "../../../src/runtime/refusal.ts";

describe("what the runtime throws names operator and node", () => {
  it.each([
    [
      "Non-zero status code returned while running Gather node. Name:'lookup' Status Message: indices element out of data bounds, idx=7",
      "Gather",
      "lookup",
    ],
    ["Could not find an implementation for LSTM(22) node with name 'rnn'", "LSTM(22)", "rnn"],
    [
      "Load model failed:Fatal error: com.example:Frobnicate(-1) is not a registered function/op",
      "com.example:Frobnicate",
      undefined,
    ],
    ["Node (add_1) Op (Add) [ShapeInferenceError] Incompatible dimensions", "Add", "add_1"],
  ])("%s", (text, operator, at) => {
    const error = refusal("run", new Error(text));
    expect(error.code).toBe("input.model");
    expect(error.data).toMatchObject({ operator, ...(at === undefined ? {} : { node: at }) });
    expect(error.message.length).toBeLessThan(400);
  });

  it("and says so where a file was traced at one size and declares any", () => {
    const text =
      "Non-zero status code returned while running Reshape node. Name:'r' Status Message: The input tensor cannot be reshaped to the requested shape. Input shape:{8,1,32}, requested shape:{32,4,8}";
    expect(refusal("run", new Error(text)).hint).toMatch(/fits fewer sizes than it declares/);
  });

  it("and says when memory ran out", () => {
    expect(
      refusal(
        "run",
        new Error("bfc_arena.cc:376 Failed to allocate memory for requested buffer of size 1099511627776"),
      ).code,
    ).toBe("environment.memory");
  });
});
