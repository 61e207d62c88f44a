import { describe, expect, it } from "vitest";
import { parseAddress } from "../../../src/remotes/address.ts";

describe("addresses of remotes", () => {
  it.each(["/mnt/disk/models", "../other", "other repo", "C:\\models", "caf\u00e9", "host/path"])(
    "takes the folder '%s'",
    (text) => {
      expect(parseAddress(text)).toEqual({ kind: "directory", path: text });
    },
  );

  it.each([
    "",
    "ext::sh -c touch% /tmp/x",
    "-oProxyCommand=x",
    "file:///etc",
    "http://169.254.169.254",
    "https:///evil.com",
    "https://a/b\n",
    "s3://bucket/x",
    "ssh://box/srv",
    "a\u0000b",
    "\u001b]0;x",
  ])("refuses '%s'", (text) => {
    expect(() => parseAddress(text)).toThrow(expect.objectContaining({ code: "remote.address", exit: 8 }));
  });

  it("never shows a password", () => {
    expect(() => parseAddress("https://ada:secret@example.org/x")).toThrow(/ada:\*\*\*@example\.org/);
  });
});
