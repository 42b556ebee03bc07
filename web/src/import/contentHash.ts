/** Hash a file and derive the idempotency keys of its parts. */

const CHUNK = 4 * 1024 * 1024;

/** SHA-256 over the hashes of chunks: the whole file is never in memory. */
export async function hashFile(file: Blob, onProgress: (share: number) => void = () => undefined) {
  const hashes: string[] = [];
  for (let at = 0; at < file.size; at += CHUNK) {
    hashes.push(await digest(await file.slice(at, at + CHUNK).arrayBuffer()));
    onProgress(Math.min(1, (at + CHUNK) / file.size));
  }
  return digest(encode(hashes.join(" ")));
}

/** The same file with the same choices gives the same keys, also after a reload or in another browser. */
export async function partKey(fileHash: string, choices: string, number: number): Promise<string> {
  return `import-${(await digest(encode(`${fileHash}\n${choices}`))).slice(0, 40)}-${number}`;
}

async function digest(bytes: ArrayBuffer): Promise<string> {
  // browsers offer SHA-256 only on https and localhost
  const subtle = (globalThis.crypto as Partial<Crypto> | undefined)?.subtle;
  if (!subtle) return weakDigest(new Uint8Array(bytes));
  return hex(new Uint8Array(await subtle.digest("SHA-256", new Uint8Array(bytes))));
}

/** Four lanes of FNV-1a: not cryptographic, but enough to distinguish the user's own files. */
export function weakDigest(bytes: Uint8Array): string {
  const lanes = Uint32Array.of(0x811c9dc5, 0x01000193, 0x9e3779b9, 0x85ebca6b);
  for (const [at, byte] of bytes.entries()) {
    const lane = at & 3;
    lanes[lane] = Math.imul((lanes[lane] ?? 0) ^ byte, 0x01000193);
    lanes[(lane + 1) & 3] = ((lanes[(lane + 1) & 3] ?? 0) + (lanes[lane] ?? 0)) >>> 0;
  }
  return hex(new Uint8Array(lanes.buffer));
}

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const encode = (text: string) => new TextEncoder().encode(text).buffer;
