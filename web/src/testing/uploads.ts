import { vi } from "vitest";

export type Uploaded = { url: string; method: string; headers: Record<string, string>; body: Blob };

/** Replaces XMLHttpRequest: each upload is kept, reports its half, then answers with `status` unless it is aborted. */
export function fakeUploads(status: () => number = () => 200, onHalf: () => void = () => undefined) {
  const uploads: Uploaded[] = [];
  class FakeRequest {
    status = 0;
    upload: { onprogress: ((event: { loaded: number; total: number }) => void) | null } = {
      onprogress: null,
    };
    onload: (() => void) | null = null;
    onerror: (() => void) | null = null;
    onabort: (() => void) | null = null;
    private isAborted = false;
    private readonly sent: Uploaded = { url: "", method: "", headers: {}, body: new Blob() };

    open(method: string, url: string) {
      Object.assign(this.sent, { method, url });
    }
    setRequestHeader(name: string, value: string) {
      this.sent.headers[name] = value;
    }
    send(body: Blob) {
      uploads.push({ ...this.sent, body });
      this.upload.onprogress?.({ loaded: body.size / 2, total: body.size });
      setTimeout(() => {
        onHalf();
        if (this.isAborted) return;
        this.status = status();
        if (this.status === 0) this.onerror?.();
        else this.onload?.();
      }, 20);
    }
    abort() {
      this.isAborted = true;
      this.onabort?.();
    }
  }
  vi.stubGlobal("XMLHttpRequest", FakeRequest);
  return uploads;
}
