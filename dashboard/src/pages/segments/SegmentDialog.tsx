import { Alert, Button, Group, Input, SimpleGrid, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useState } from 'react';
import { fieldErrors, ProblemError } from '../../api/problem';
import type { Segment } from '../../api/schema';
import { useCreateSegment, useReplaceSegment } from '../../data/segments';
import { useMayShared } from '../../data/session';
import { ConditionFields } from '../../parts/ConditionFields';
import { Dialog } from '../../parts/Dialog';
import { Form } from '../../parts/Form';
import { Person } from '../../parts/Person';
import { Reason } from '../../parts/Reason';
import { useUnsaved } from '../../parts/Unsaved';
import { type Draft, draftOf, placesOf, readDraft } from './draft';
import classes from './Segments.module.css';

interface SegmentDialogProps {
  project: string;
  /** The one that is changed; a new one is made when there is none. */
  segment?: Segment;
  onClose: () => void;
}

/** Says who belongs to a segment. */
export function SegmentDialog({ project, segment, onClose }: SegmentDialogProps) {
  const [draft, setDraft] = useState(() => draftOf(segment));
  // What the edit began with: a version that appears meanwhile is somebody else's.
  const [base, setBase] = useState(segment);
  const [reason, setReason] = useState('');
  const create = useCreateSegment(project);
  const replace = useReplaceSegment(project, segment?.key ?? '');
  const may = useMayShared('editor');
  const error = create.error ?? replace.error;
  const { fields, rest } = fieldErrors(error, placesOf(draft));
  const outdated = error instanceof ProblemError && error.outdated;
  const newer = segment && base && segment.version > base.version ? segment : undefined;
  const set = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }));
  const dirty = may && (reason !== '' || JSON.stringify(draft) !== JSON.stringify(draftOf(base)));
  const { close, saved, question } = useUnsaved(dirty, onClose);

  const submit = () => {
    const update = readDraft(draft);
    const onSuccess = () => {
      saved();
      onClose();
    };
    if (base) replace.mutate({ update, version: base.version, reason }, { onSuccess });
    else create.mutate({ segment: { ...update, key: draft.key.trim() }, reason }, { onSuccess });
  };
  const take = (theirs: boolean) => {
    setBase(newer);
    replace.reset();
    if (theirs) setDraft(draftOf(newer));
  };
  const words = (name: 'key' | 'name' | 'description' | 'included' | 'excluded') => ({
    value: draft[name],
    onChange: (event: { currentTarget: { value: string } }) => set({ [name]: event.currentTarget.value }),
    error: fields[name],
  });

  return (
    <Dialog title={segment ? segment.key : 'New segment'} opened onClose={close} size="xl">
      <Form
        problems={outdated ? [] : rest}
        action={segment ? 'Save' : 'Create segment'}
        act={submit}
        busy={create.isPending || replace.isPending}
        disabled={newer !== undefined}
        may={may}
        note={
          segment && (
            <Text size="sm" c="dimmed">
              Every flag that names it follows at once.
            </Text>
          )
        }
      >
        {newer && <Newer segment={newer} take={take} />}
        {!may && <Text size="sm" c="dimmed">You may look at it. Editors of the whole project change it.</Text>}
        <fieldset disabled={!may} className={classes.fields}>
          <Stack>
            <SimpleGrid cols={{ base: 1, sm: 2 }}>
              {!segment && <TextInput label="Key" placeholder="nordics" required spellCheck={false} {...words('key')} />}
              <TextInput label="Name" placeholder="As the key" {...words('name')} />
            </SimpleGrid>
            <TextInput label="Description" placeholder="Who belongs to it, in words" {...words('description')} />
            <Input.Wrapper label="Conditions" labelElement="div" description="Whoever meets all of them belongs to it; without any, only those named below." error={fields.conditions}>
              <div style={{ marginTop: 6 }}>
                <ConditionFields
                  key={base?.version ?? 'new'}
                  conditions={draft.conditions}
                  change={(conditions) => set({ conditions })}
                  errorAt={(place) => fields[`condition ${place}`]}
                />
              </div>
            </Input.Wrapper>
            <SimpleGrid cols={{ base: 1, sm: 2 }}>
              <Textarea label="Always in" description="Targeting keys, one a line" autosize minRows={2} maxRows={8} spellCheck={false} {...words('included')} />
              <Textarea label="Never in" description="Targeting keys, one a line" autosize minRows={2} maxRows={8} spellCheck={false} {...words('excluded')} />
            </SimpleGrid>
          </Stack>
        </fieldset>
        {may && <Reason value={reason} onChange={setReason} />}
      </Form>
      {question}
    </Dialog>
  );
}

/** Somebody else saved while this edit was open: neither is lost unseen. */
function Newer({ segment, take }: { segment: Segment; take: (theirs: boolean) => void }) {
  return (
    <Alert color="ember" variant="light" role="alert" title="Somebody else changed it meanwhile">
      <Text size="sm" mb="sm">
        <Person actor={segment.changed_by} /> saved another version while you were editing.
      </Text>
      <Group gap="sm">
        <Button size="xs" variant="default" onClick={() => take(true)}>
          Take theirs
        </Button>
        <Button size="xs" variant="default" onClick={() => take(false)}>
          Keep mine, to save over theirs
        </Button>
      </Group>
    </Alert>
  );
}
