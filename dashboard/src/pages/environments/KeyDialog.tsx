import { Alert, Button, Group, Input, NativeSelect, SegmentedControl, Stack, TextInput } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { fieldErrors } from '../../api/problem';
import type { Kind, Role } from '../../api/schema';
import { useEnvironments } from '../../data/environments';
import { useEnvironment } from '../../data/place';
import { useCreateToken } from '../../data/tokens';
import { Code } from '../../parts/Code';
import { Dialog } from '../../parts/Dialog';
import { Form } from '../../parts/Form';
import { useUnsaved } from '../../parts/Unsaved';

const KINDS: { value: Kind; label: string }[] = [
  { value: 'sdk', label: 'SDK' },
  { value: 'web', label: 'Web' },
  { value: 'api', label: 'API' },
];
const PURPOSES: Record<Kind, string> = {
  sdk: 'For applications on servers: all flags of one environment.',
  web: 'For pages and apps in strangers’ hands: it evaluates, and can do nothing else.',
  api: 'For people, the command line and scripts.',
};
const PLACES = { name: '/name', environment: '/environment', role: '/role', expires: '/expires_at' };

interface KeyDialogProps {
  project: string;
  onClose: () => void;
}

/** Makes a key, and shows it once. */
export function KeyDialog({ project, onClose }: KeyDialogProps) {
  const create = useCreateToken(project);
  const secret = create.data?.token;
  return (
    // A key that nobody has copied is lost with the dialog, so that a slip of the hand must not close it.
    <Dialog title={secret ? 'Copy the key now' : 'New key'} opened onClose={secret ? undefined : onClose}>
      {secret ? <Secret secret={secret} onClose={onClose} /> : <KeyForm project={project} create={create} />}
    </Dialog>
  );
}

const ONCE = { title: 'Leave without the key?', text: 'It is shown only here, and only now.', leave: 'Leave without it' };

function Secret({ secret, onClose }: { secret: string; onClose: () => void }) {
  const shown = useRef<HTMLDivElement>(null);
  const { question } = useUnsaved(true, onClose, ONCE);
  useEffect(() => shown.current?.querySelector('pre')?.focus(), []);
  return (
    <Stack ref={shown}>
      <Alert color="leaf" variant="light" role="status">
        It is shown here only once. Whoever loses it makes another and revokes this one.
      </Alert>
      <Code text={secret} label="key" />
      <Group justify="flex-end">
        <Button onClick={onClose}>I have copied it</Button>
      </Group>
      {question}
    </Stack>
  );
}

interface KeyFormProps {
  project: string;
  create: ReturnType<typeof useCreateToken>;
}

function KeyForm({ project, create }: KeyFormProps) {
  const environments = useEnvironments(project).data ?? [];
  const here = useEnvironment()?.key ?? environments[0]?.key ?? '';
  const [name, setName] = useState('');
  const [kind, setKind] = useState<Kind>('sdk');
  const [environment, setEnvironment] = useState<string>();
  const [role, setRole] = useState<Role>('editor');
  const [expires, setExpires] = useState('');
  const { fields, rest } = fieldErrors(create.error, PLACES);
  // An api key may be for all environments; the others are for the one that is looked at, unless another is chosen.
  const chosen = environment ?? (kind === 'api' ? '' : here);
  const all = kind === 'api' ? [{ value: '', label: 'All environments' }] : [];

  const submit = () =>
    create.mutate({
      name: name.trim(),
      kind,
      environment: chosen || null,
      role: kind === 'api' ? role : null,
      expires_at: expires ? new Date(`${expires}T23:59:59`).toISOString() : null,
    });
  return (
    <Form problems={rest} action="Create key" act={submit} busy={create.isPending}>
      <TextInput
        label="Name"
        description="What the audit calls it"
        placeholder="shop-backend"
        required
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        error={fields.name}
      />
      <Input.Wrapper label="Kind" labelElement="div" description={PURPOSES[kind]}>
        <SegmentedControl fullWidth mt={4} aria-label="Kind" data={KINDS} value={kind} onChange={(kind) => setKind(kind as Kind)} />
      </Input.Wrapper>
      <NativeSelect
        label="Environment"
        data={[...all, ...environments.map(({ key, name }) => ({ value: key, label: name || key }))]}
        value={chosen}
        onChange={(event) => setEnvironment(event.currentTarget.value)}
        error={fields.environment}
      />
      {kind === 'api' && (
        <NativeSelect
          label="Role"
          data={[
            { value: 'viewer', label: 'Viewer: reads' },
            { value: 'editor', label: 'Editor: changes flags' },
            { value: 'admin', label: 'Admin: also environments and keys' },
          ]}
          value={role}
          onChange={(event) => setRole(event.currentTarget.value as Role)}
          error={fields.role}
        />
      )}
      <TextInput
        label="Ends on"
        type="date"
        description="Never, when empty"
        value={expires}
        onChange={(event) => setExpires(event.currentTarget.value)}
        error={fields.expires}
      />
    </Form>
  );
}
