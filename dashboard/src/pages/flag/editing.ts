import { useCallback, useMemo, useState } from 'react';
import { ProblemError } from '../../api/problem';
import type { Fault, FlagSettings } from '../../api/schema';
import { bare, type SettingsPlace, useSaveSettings } from '../../data/settings';
import { type Draft, draftOf, settingsOf } from './draft';
import { missing } from './faults';
import { alike } from './merge';

/** What an editor began with, and what it says now. */
interface Edit {
  base: FlagSettings;
  origin: Draft;
  draft: Draft;
  /** Whether anything was ever changed in it, be it put back. */
  touched: boolean;
}

function begin(base: FlagSettings, known?: Draft): Edit {
  const origin = draftOf(bare(base), known);
  return { base, origin, draft: origin, touched: false };
}

const NOTHING: Fault[] = [];

/** What is told when the editor did something by itself, or was told to. */
export type Told = { saved: number } | { followed: FlagSettings };

/**
 * The edit of a flag's settings in one environment. While nothing is changed it follows what others save; what is
 * changed stays under the hands, and is merged when it is saved.
 */
export function useEditing(place: SettingsPlace, newest: FlagSettings, reread: () => Promise<unknown>) {
  const [edit, setEdit] = useState(() => begin(newest));
  const [told, setTold] = useState<Told>();
  const [reason, setReason] = useState('');
  const [merging, setMerging] = useState(false);
  // Only whoever asked for it is told what is missing, and led to it each time.
  const [tries, setTries] = useState(0);
  const save = useSaveSettings(place);
  const dirty = !alike(edit.origin, edit.draft);
  const outdated = newest.version > edit.base.version && !save.isPending;

  if (outdated && !dirty) {
    setEdit(begin(newest, edit.draft));
    if (edit.touched) setTold({ followed: newest });
    setTries(0);
    setMerging(false);
  }

  const change = useCallback((part: (draft: Draft) => Partial<Draft>) => {
    setTold(undefined);
    setEdit((before) => ({ ...before, draft: { ...before.draft, ...part(before.draft) }, touched: true }));
  }, []);
  const lacking = useMemo(() => (tries > 0 ? missing(edit.draft) : NOTHING), [tries, edit.draft]);
  const restart = (base: FlagSettings) => {
    setEdit((before) => begin(base, before.draft));
    setTries(0);
    setMerging(false);
    save.reset();
  };

  /** Sends a draft over a version of the settings, unless something is missing in it. */
  const send = (draft: Draft, base: FlagSettings, ended: (well: boolean) => void) => {
    setTries((before) => before + 1);
    if (missing(draft).length > 0) return ended(false);
    save.mutate(
      { body: settingsOf(draft), version: base.version, reason },
      {
        onSuccess: (written) => {
          restart(written);
          setReason('');
          setTold({ saved: written.version });
          ended(true);
        },
        onError: async (error) => {
          const first = error instanceof ProblemError && error.outdated;
          // Their settings may not have come by themselves yet.
          if (first) await reread();
          setMerging(first);
          ended(false);
        },
      },
    );
  };

  return {
    ...edit,
    dirty,
    outdated: outdated && dirty,
    told,
    reason,
    setReason,
    change,
    merging: merging && outdated && dirty,
    setMerging,
    missing: lacking,
    save: (ended: (well: boolean) => void) => send(edit.draft, edit.base, ended),
    /** Goes on from their settings with what was merged, and saves it. */
    saveMerged: (draft: Draft, ended: (well: boolean) => void) => {
      setEdit({ base: newest, origin: draftOf(bare(newest), edit.origin), draft, touched: true });
      setMerging(false);
      send(draft, newest, ended);
    },
    discard: () => restart(newest),
    busy: save.isPending,
    error: save.error instanceof ProblemError && save.error.outdated ? null : save.error,
  };
}
