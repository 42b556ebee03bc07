import { expect, test, vi } from "vitest";

import { hashFile, partKey, weakDigest } from "./contentHash";

const file = (text: string) => new Blob([text]);

test("the same content has the same hash, another content another", async () => {
  expect(await hashFile(file("text\na"))).toBe(await hashFile(file("text\na")));
  expect(await hashFile(file("text\na"))).not.toBe(await hashFile(file("text\nb")));
});

test("another file, part or choice has another key", async () => {
  const keys = [
    await partKey("f1", "text=a", 1),
    await partKey("f2", "text=a", 1),
    await partKey("f1", "text=b", 1),
    await partKey("f1", "text=a", 2),
  ];
  expect(new Set(keys).size).toBe(4);
  expect(keys[0]).toBe(await partKey("f1", "text=a", 1));
  for (const key of keys) expect(key).toMatch(/^[\w-]{1,64}$/);
});

test("a page without SHA-256 tells contents apart too", async () => {
  vi.stubGlobal("crypto", {});
  const texts = Array.from({ length: 500 }, (_, at) => `row ${at}`);
  const hashes = await Promise.all(texts.map((text) => hashFile(file(text))));
  expect(new Set(hashes).size).toBe(500);
  expect(weakDigest(new Uint8Array([1, 2]))).not.toBe(weakDigest(new Uint8Array([2, 1])));
});
