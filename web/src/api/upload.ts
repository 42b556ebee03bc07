/** Upload a file to a presigned URL. The request goes to the bucket, so it carries no token. */

import { NetworkError } from "./errors";

type Target = { url: string; method: string; headers: Record<string, string> };
type Options = { signal: AbortSignal; onProgress: (share: number) => void };

/** The bucket refused the file; the URL may have expired. */
export class UploadRefusedError extends Error {
  override readonly name = "UploadRefusedError";
}

/** `fetch` reports no progress of an upload, so this uses XMLHttpRequest. */
export function uploadFile(target: Target, file: Blob, { signal, onProgress }: Options): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(target.method, target.url);
    for (const [name, value] of Object.entries(target.headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve();
      else
        reject(new UploadRefusedError(`The upload was refused (${request.status}). Start the import again.`));
    };
    request.onerror = () => reject(new NetworkError(new Error("The upload failed.")));
    request.onabort = () => reject(signal.reason as Error);
    signal.addEventListener("abort", () => request.abort(), { once: true });
    if (signal.aborted) reject(signal.reason as Error);
    else request.send(file);
  });
}
