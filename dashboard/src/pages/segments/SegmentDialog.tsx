import { Alert, Button, Text } from '@mantine/core';
import { useState } from 'react';
import { fieldErrors, ProblemError } from '../../api/problem';
import type { Segment } from '../../api/schema';
import { useCreateSegment, useReplaceSegment } from '../../data/segments';
import { useMayShared } from '../../data/session';
import { Dialog } from '../../parts/Dialog';
import { Form } from '../../parts/Form';
import { useLead } from '../../parts/lead';
import { Reason } from '../../parts/Reason';
import { useUnsaved } from '../../parts/Unsaved';
import { alike, type Draft, draftOf, placesOf, readDraft } from './draft';
import { SegmentFields } from './SegmentFields';
import { SegmentMerge } from './SegmentMerge';

interface SegmentDialogProps {
  project: string;
  /** The one that is changed, until somebody deletes it; a new one is made when there was none. */
  segment?: Segment | undefined;
  onClose: () => void;
}

/** Says who belongs to a segment. */
export function SegmentDialog({ project, segment, onClose }: SegmentDialogProps) {
  const [draft, setDraft] = useState(() => draftOf(segment));
  // What the edit began with: a version that appears meanwhile is somebody else's.
  const [base, setBase] = useState(segment);
  const [reason, setReason] = useState('');
  const [within, lead] = useLead<HTMLDivElement>();
  const create = useCreateSegment(project);
  const replace = useReplaceSegment(project, segment?.key ?? '');
  const may = useMayShared('editor');
  const error = create.error ?? replace.error;
  const { fields, rest } = fieldErrors(error, placesOf(draft));
  const outdated = error instanceof ProblemError && error.outdated;
  const gone = base !== undefined && segment === undefined;
  const newer = segment && base && segment.version > base.version ? segment : undefined;
  const set = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }));
  const changed = !alike(draft, draftOf(base));
  const { close, saved, question } = useUnsaved(may && (reason !== '' || changed), onClose);

  const begin = (from: Segment | undefined, next: Draft) => {
    setBase(from);
    setDraft(next);
  };
  // Nothing of one's own stands in the form, so it follows.
  if (newer && !changed) begin(newer, draftOf(newer));

  const submit = () => {
    const update = readDraft(draft);
    const onSuccess = () => {
      saved();
      onClose();
    };
    if (base) replace.mutate({ update, version: base.version, reason }, { onSuccess });
    else create.mutate({ segment: { ...update, key: draft.key.trim() }, reason }, { onSuccess });
  };
  const goOn = (from: Segment | undefined, next: Draft) => {
    begin(from, next);
    replace.reset();
    lead('[data-acts]');
  };
  return (
    <Dialog title={base ? base.key : 'New segment'} opened onClose={close} size="xl">
      <div ref={within}>
        <Form
          problems={outdated ? [] : rest}
          action={base ? 'Save' : 'Create segment'}
          act={submit}
          busy={create.isPending || replace.isPending}
          disabled={newer !== undefined || gone}
          may={may}
          note={
            base && (
              <Text size="sm" c="dimmed">
                Every flag that names it follows at once.
              </Text>
            )
          }
        >
          {base && newer && changed && <SegmentMerge base={base} mine={draft} theirs={newer} put={(merged) => goOn(newer, merged)} />}
          {gone && <Gone again={() => goOn(undefined, draft)} />}
          {!may && <Text size="sm" c="dimmed">You may look at it. Editors of the whole project change it.</Text>}
          <SegmentFields draft={draft} set={set} unmade={base === undefined} disabled={!may} errors={fields} />
          {may && <Reason value={reason} onChange={setReason} />}
        </Form>
      </div>
      {question}
    </Dialog>
  );
}

/** Somebody else deleted it while this edit was open. */
function Gone({ again }: { again: () => void }) {
  return (
    <Alert color="ember" variant="light" role="alert" title="Somebody else deleted it meanwhile">
      <Text size="sm" mb="sm">
        What you typed is still here.
      </Text>
      <Button size="xs" variant="default" onClick={again}>
        Make it anew with this
      </Button>
    </Alert>
  );
}
