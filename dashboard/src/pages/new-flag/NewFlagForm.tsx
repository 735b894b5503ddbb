import { Input, NativeSelect, Paper, SegmentedControl, SimpleGrid, Textarea, TextInput } from '@mantine/core';
import { useRef, useState } from 'react';
import { fieldErrors } from '../../api/problem';
import type { FlagType, Purpose } from '../../api/schema';
import { useCreateFlag, useOverview } from '../../data/flags';
import { Form } from '../../parts/Form';
import { useLead } from '../../parts/lead';
import { useUnsaved } from '../../parts/Unsaved';
import { distinct, PURPOSES } from '../flags/filters';
import { type Draft, emptyDraft, LIFETIMES, missing, newFlag, PLACES, rememberOwner, today } from './form';
import { VariantFields } from './VariantFields';

const TYPES: { value: FlagType; label: string }[] = [
  { value: 'boolean', label: 'On / off' },
  { value: 'string', label: 'Text' },
  { value: 'number', label: 'Number' },
  { value: 'object', label: 'Object' },
];

interface NewFlagFormProps {
  project: string;
  done: (key: string) => void;
}

/** The one form that makes a flag. Key and owner are all that must be said. */
export function NewFlagForm({ project, done }: NewFlagFormProps) {
  const [begun] = useState(emptyDraft);
  const [draft, setDraft] = useState(begun);
  const [unreadable, setUnreadable] = useState<string>();
  const [tries, setTries] = useState(0);
  // A day that is typed by half is none for the form, and is not to be lost without a word.
  const [halfDay, setHalfDay] = useState(false);
  const day = useRef<HTMLInputElement>(null);
  const [within, lead] = useLead<HTMLDivElement>();
  const create = useCreateFlag(project);
  const owners = distinct(useOverview(project).data?.flags.map(({ owner }) => owner) ?? []);
  const set = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }));
  const { fields, rest } = fieldErrors(create.error, PLACES);

  const { saved, question } = useUnsaved(JSON.stringify(draft) !== JSON.stringify(begun), () => undefined);

  // A day that is over is told at once; what is missing is told to whoever has tried.
  const found = missing(draft);
  const told = tries > 0 ? { ...fields, ...found } : { ...fields, expires: found.expires ?? fields.expires };

  const submit = () => {
    setTries(tries + 1);
    const half = day.current?.validity.badInput ?? false;
    setHalfDay(half);
    if (half || Object.keys(found).length > 0) return lead('[aria-invalid="true"]');
    const read = newFlag(draft);
    setUnreadable('error' in read ? read.error : undefined);
    if ('error' in read) return;
    rememberOwner(read.flag.owner);
    const onSuccess = ({ key }: { key: string }) => {
      saved();
      done(key);
    };
    create.mutate(read.flag, { onSuccess });
  };
  const words = (name: 'key' | 'owner' | 'name' | 'description' | 'tags' | 'expires') => ({
    value: draft[name],
    onChange: (event: { currentTarget: { value: string } }) => {
      set({ [name]: event.currentTarget.value });
      if (name === 'expires') setHalfDay(false);
    },
    error: told[name],
  });

  return (
    <Paper ref={within} withBorder p={{ base: 'md', sm: 'lg' }} maw={760} bg="var(--hoist-card)">
      <Form problems={rest} action="Create flag" act={submit} busy={create.isPending} ownFaults>
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <TextInput label="Key" description="What code reads. It never changes" placeholder="dashboard_v2" required autoFocus spellCheck={false} autoComplete="off" {...words('key')} />
          <TextInput label="Owner" description="Who answers for it" placeholder="web" required list="owners" {...words('owner')} />
        </SimpleGrid>
        <datalist id="owners">
          {owners.map((owner) => (
            <option key={owner} value={owner}>
              {owner}
            </option>
          ))}
        </datalist>
        <Input.Wrapper label="Values" labelElement="div" error={fields.type}>
          <SegmentedControl fullWidth aria-label="Values" data={TYPES} value={draft.type} onChange={(type) => set({ type: type as FlagType })} />
        </Input.Wrapper>
        {draft.type !== 'boolean' && (
          <VariantFields type={draft.type} variants={draft.variants} error={unreadable ?? fields.variants} change={(variants) => set({ variants })} />
        )}
        <NativeSelect
          label="Purpose"
          description={LIFETIMES[draft.purpose]}
          data={Object.entries(PURPOSES).map(([value, label]) => ({ value, label }))}
          value={draft.purpose}
          onChange={(event) => set({ purpose: event.currentTarget.value as Purpose })}
          error={fields.purpose}
        />
        <Textarea label="Description" placeholder="What it does, for whoever meets it later" autosize minRows={2} maxRows={8} {...words('description')} />
        <SimpleGrid cols={{ base: 1, sm: 3 }}>
          <TextInput label="Name" placeholder="As the key" {...words('name')} />
          <TextInput label="Tags" placeholder="checkout, mobile" {...words('tags')} />
          <TextInput label="Gone by" type="date" ref={day} min={today()} {...words('expires')} error={halfDay ? 'This is no whole day.' : told.expires} />
        </SimpleGrid>
      </Form>
      {question}
    </Paper>
  );
}
