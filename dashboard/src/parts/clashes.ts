import { same } from './rules';

// Two people changed the same thing. Each part of it is merged by itself; where both changed a part, one says whose stands.

export type Whose = 'theirs' | 'mine';

/** What is chosen so far, by the names of the clashes. */
export type Chosen = Partial<Record<string, Whose>>;

/** What both changed, each to something else: a person says whose stands. */
export interface Clash {
  /** Names the part, so that a choice holds when the other side moves on. */
  at: string;
  name: string;
  before: string;
  theirs: string;
  mine: string;
}

/** Merges values one by one, and keeps what clashes. */
export class Picker {
  readonly clashes: Clash[] = [];
  private readonly chosen: Chosen;

  constructor(chosen: Chosen) {
    this.chosen = chosen;
  }

  /** What only one side changed is taken over; where both did, theirs stands until mine is chosen. */
  readonly pick = <T>(at: string, name: string, words: (value: T) => string, base: T, mine: T, theirs: T): T => {
    if (same(mine, theirs) || same(base, mine)) return theirs;
    if (same(base, theirs)) return mine;
    this.clashes.push({ at, name, before: words(base), theirs: words(theirs), mine: words(mine) });
    return this.chosen[at] === 'mine' ? mine : theirs;
  };
}
