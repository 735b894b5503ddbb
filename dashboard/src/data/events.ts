/** What the server's event `revision` says; null keys mean that any may have changed. */
export interface NewRevision {
  environment: string;
  revision: number;
  flags: string[] | null;
  segments: string[] | null;
}

/** What the server's event `audit` says: the number of the newest entry. */
export interface NewEntry {
  sequence: number;
}

/** What a page is told of the server's stream. */
export type Told =
  /** It has begun, so that whatever was read before may be out of date. */
  | { kind: 'begun' }
  /** How it stands, for a page that was opened later. */
  | { kind: 'stands'; up: boolean; sequence: number | undefined }
  | ({ kind: 'revision' } & NewRevision)
  | ({ kind: 'audit' } & NewEntry)
  /** It is away. When it was refused, the session has perhaps ended. */
  | { kind: 'lost'; refused: boolean };

/** A browser gives up on a stream that was refused; then it is opened again after this long. */
const AGAIN_MS = 3_000;
/** The server is heard at least every 15 seconds; when it is silent for this long, it counts as away. */
const SILENT_MS = 45_000;
const LOOK_MS = 5_000;

/**
 * Hears a project's events until the function that it returns is called. A browser opens only six connections to a server,
 * so its pages have one stream together: whichever holds the lock keeps it and tells the others, and when that page is
 * closed the next one takes over. Where there are no locks (on plain http from elsewhere) each page has its own.
 */
export function hearEvents(project: string, hear: (told: Told) => void): () => void {
  const name = `hoist events of ${project}`;
  const ended = new AbortController();
  let stream: Stream | undefined;
  const keep = (tell: (told: Told) => void) =>
    new Promise<void>((done) => {
      const own = new Stream(project, tell);
      stream = own;
      ended.signal.addEventListener('abort', () => {
        own.close();
        done();
      });
    });
  // Not every page has them, whatever the types say.
  const locks = navigator.locks as LockManager | undefined;
  if (!locks) {
    void keep(hear);
    return () => ended.abort();
  }
  const others = new BroadcastChannel(name);
  others.onmessage = ({ data }: MessageEvent<Told | 'new here'>) => {
    if (data !== 'new here') hear(data);
    else if (stream) others.postMessage(stream.stands());
  };
  others.postMessage('new here');
  const tell = (told: Told) => {
    others.postMessage(told);
    hear(told);
  };
  // It waits until the page before it is closed, or this one.
  locks.request(name, { signal: ended.signal }, () => keep(tell)).catch(() => undefined);
  return () => {
    ended.abort();
    others.close();
  };
}

/** The server's stream, opened again whenever it was lost. */
class Stream {
  private source!: EventSource;
  private again: number | undefined;
  private readonly watch: number;
  private heardAt = Date.now();
  private up = false;
  private sequence: number | undefined;
  private readonly project: string;
  private readonly tell: (told: Told) => void;

  constructor(project: string, tell: (told: Told) => void) {
    this.project = project;
    this.tell = tell;
    this.open();
    this.watch = window.setInterval(() => this.look(), LOOK_MS);
  }

  stands(): Told {
    return { kind: 'stands', up: this.up, sequence: this.sequence };
  }

  close() {
    window.clearTimeout(this.again);
    window.clearInterval(this.watch);
    this.source.close();
  }

  private open() {
    this.heardAt = Date.now();
    const source = new EventSource(`/api/v1/projects/${encodeURIComponent(this.project)}/events`);
    this.source = source;
    const heard = () => {
      this.heardAt = Date.now();
    };
    source.addEventListener('open', () => {
      heard();
      this.up = true;
      this.tell({ kind: 'begun' });
    });
    source.addEventListener('beat', heard);
    source.addEventListener('revision', (event) => {
      heard();
      this.tell({ kind: 'revision', ...(JSON.parse(event.data) as NewRevision) });
    });
    source.addEventListener('audit', (event) => {
      heard();
      const entry = JSON.parse(event.data) as NewEntry;
      this.sequence = entry.sequence;
      this.tell({ kind: 'audit', ...entry });
    });
    source.addEventListener('error', () => {
      const refused = source.readyState === EventSource.CLOSED;
      if (refused) this.again = window.setTimeout(() => this.open(), AGAIN_MS);
      this.lose(refused);
    });
  }

  /** A server that stands still, or a network that swallows everything, ends no stream. */
  private look() {
    if (this.source.readyState === EventSource.CLOSED || Date.now() - this.heardAt < SILENT_MS) return;
    this.source.close();
    this.lose(false);
    this.open();
  }

  private lose(refused: boolean) {
    this.up = false;
    this.tell({ kind: 'lost', refused });
  }
}
