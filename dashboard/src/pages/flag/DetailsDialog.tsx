import { Alert, Button, Group, NativeSelect, SimpleGrid, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { fieldErrors, ProblemError } from '../../api/problem';
import type { FlagOverview, Purpose } from '../../api/schema';
import { useOverview, useUpdateFlag } from '../../data/flags';
import { useHistory } from '../../data/history';
import { Lines } from '../../parts/Changes';
import { Dialog } from '../../parts/Dialog';
import { Form } from '../../parts/Form';
import { Person } from '../../parts/Person';
import { Reason } from '../../parts/Reason';
import { useUnsaved } from '../../parts/Unsaved';
import { distinct, PURPOSES } from '../flags/filters';
import { LIFETIMES, PLACES, today } from '../new-flag/form';
import { VariantFields } from '../new-flag/VariantFields';
import { changed, changedLines, type Details, detailsOf, type Field, follow, inWords, isGone, updateOf, withPurpose } from './details';

interface DetailsDialogProps {
  project: string;
  flag: FlagOverview;
  close: () => void;
  saved: () => void;
}

/** What is edited, and what it is a change of. */
interface Edit {
  base: FlagOverview;
  details: Details;
  /** What somebody else has changed here as well. */
  both: Field[];
}

/** Changes what all environments share about a flag. */
export function DetailsDialog({ project, flag, close, saved }: DetailsDialogProps) {
  const [began] = useState(flag);
  const [edit, setEdit] = useState<Edit>(() => ({ base: flag, details: detailsOf(flag), both: [] }));
  const [reason, setReason] = useState('');
  const [unreadable, setUnreadable] = useState<string>();
  const update = useUpdateFlag(project, flag.key);
  const { base, details, both } = edit;
  const standing = detailsOf(base);
  const touched = changed(standing, details);
  const dirty = touched.length > 0 || reason !== '';
  const guard = useUnsaved(dirty && !update.isPending, close);
  const outdated = update.error instanceof ProblemError && update.error.outdated;
  const { fields, rest } = fieldErrors(outdated ? null : update.error, PLACES);
  const set = (part: Partial<Details>) => setEdit((before) => ({ ...before, details: { ...before.details, ...part } }));

  if (flag.version > base.version && !update.isPending && !update.isSuccess) {
    const next = follow(standing, details, detailsOf(flag));
    setEdit({ base: flag, details: next.details, both: [...new Set([...both, ...next.both])] });
  }

  const save = () => {
    if (isGone(standing, details)) return;
    const read = updateOf(base, details);
    setUnreadable('error' in read ? read.error : undefined);
    if ('error' in read) return;
    const onSuccess = () => {
      guard.saved();
      saved();
    };
    update.mutate({ update: read.update, version: base.version, reason }, { onSuccess });
  };

  return (
    <Dialog title={`Details of ${flag.key}`} opened onClose={guard.close} size="lg">
      <Form problems={rest} action="Save" act={save} busy={update.isPending} disabled={touched.length === 0}>
        {base.version > began.version && (
          <Meanwhile project={project} flag={flag} refused={outdated} lines={changedLines(detailsOf(began), standing)} both={both} />
        )}
        <Fields
          project={project}
          flag={base}
          details={details}
          set={set}
          faults={{ ...fields, ...(unreadable && { variants: unreadable }) }}
          theirs={(field) =>
            both.includes(field) &&
            touched.includes(field) && <Theirs said={inWords(field, standing)} take={() => set({ [field]: standing[field] })} />
          }
        />
        <Reason value={reason} onChange={setReason} />
      </Form>
      {guard.question}
    </Dialog>
  );
}

interface FieldsProps {
  project: string;
  flag: FlagOverview;
  details: Details;
  set: (part: Partial<Details>) => void;
  faults: Partial<Record<Field, string>>;
  /** What somebody else made of a field that is changed here too. */
  theirs: (field: Field) => ReactNode;
}

function Fields({ project, flag, details, set, faults, theirs }: FieldsProps) {
  const owners = distinct(useOverview(project).data?.flags.map(({ owner }) => owner) ?? []);
  const words = (name: 'name' | 'owner' | 'description' | 'tags' | 'expires') => ({
    value: details[name],
    onChange: (event: { currentTarget: { value: string } }) => set({ [name]: event.currentTarget.value }),
    error: faults[name],
  });
  const gone = isGone(detailsOf(flag), details);
  const stale = !gone && details.expires !== '' && details.expires < today();
  return (
    <>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <div>
          <TextInput label="Owner" description="Who answers for it" required list="owners" {...words('owner')} />
          {theirs('owner')}
        </div>
        <div>
          <TextInput label="Name" description="What people call it" placeholder="As the key" {...words('name')} />
          {theirs('name')}
        </div>
      </SimpleGrid>
      <datalist id="owners">
        {owners.map((owner) => (
          <option key={owner} value={owner}>
            {owner}
          </option>
        ))}
      </datalist>
      <div>
        <Textarea label="Description" placeholder="What it does, for whoever meets it later" autosize minRows={2} maxRows={8} {...words('description')} />
        {theirs('description')}
      </div>
      <div>
        <TextInput label="Tags" placeholder="checkout, mobile" {...words('tags')} />
        {theirs('tags')}
      </div>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <div>
          <NativeSelect
            label="Purpose"
            description={LIFETIMES[details.purpose]}
            data={Object.entries(PURPOSES).map(([value, label]) => ({ value, label }))}
            value={details.purpose}
            onChange={(event) => set(withPurpose(flag, event.currentTarget.value as Purpose))}
            error={faults.purpose}
          />
          {theirs('purpose')}
        </div>
        <div>
          <TextInput
            label="Gone by"
            description={stale ? 'This day has passed: it counts as stale' : 'Empty when it is to stay'}
            type="date"
            min={gone ? today() : undefined}
            {...words('expires')}
            error={gone ? 'This day has passed.' : faults.expires}
          />
          {theirs('expires')}
        </div>
      </SimpleGrid>
      {flag.type !== 'boolean' && (
        <div>
          <VariantFields
            type={flag.type}
            variants={details.variants}
            error={faults.variants}
            note="What is saved here is served in every environment at once."
            change={(variants) => set({ variants })}
          />
          {theirs('variants')}
        </div>
      )}
    </>
  );
}

interface MeanwhileProps {
  project: string;
  flag: FlagOverview;
  refused: boolean;
  lines: ReturnType<typeof changedLines>;
  both: Field[];
}

/** Somebody else changed the same flag: what they did, and what becomes of what is typed here. */
function Meanwhile({ project, flag, refused, lines, both }: MeanwhileProps) {
  const entries = useHistory(project, flag.key).data?.pages.flatMap(({ items }) => items) ?? [];
  const who = entries.find(({ action }) => action === 'flag.updated')?.actor;
  return (
    <Alert color="ember" variant="light" role="alert" title={refused ? 'Not saved: somebody else was first' : 'Somebody else saved meanwhile'}>
      <Stack gap={6}>
        <Text size="sm">
          {who ? <Person first actor={who} /> : 'Somebody'} has changed this. What you did not touch follows
          {both.length > 0 ? '; where both of you changed the same, yours is kept and theirs stands below it.' : '.'}
        </Text>
        <Lines lines={lines} />
      </Stack>
    </Alert>
  );
}

function Theirs({ said, take }: { said: string; take: () => void }) {
  return (
    <Group gap="xs" mt={6} wrap="nowrap" justify="space-between">
      <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
        Theirs: <b>{said || 'empty'}</b>
      </Text>
      <Button size="compact-xs" variant="default" onClick={take} flex="none">
        Take theirs
      </Button>
    </Group>
  );
}
