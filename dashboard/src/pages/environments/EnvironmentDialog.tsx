import { Checkbox, TextInput } from '@mantine/core';
import { useState } from 'react';
import { fieldErrors } from '../../api/problem';
import type { Environment } from '../../api/schema';
import { useCreateEnvironment, useUpdateEnvironment } from '../../data/environments';
import { Dialog } from '../../parts/Dialog';
import { Form } from '../../parts/Form';
import { Reason } from '../../parts/Reason';

interface EnvironmentDialogProps {
  project: string;
  /** The one that is changed; a new one is made when there is none. */
  environment?: Environment;
  onClose: () => void;
}

export function EnvironmentDialog({ project, environment, onClose }: EnvironmentDialogProps) {
  const [key, setKey] = useState(environment?.key ?? '');
  const [name, setName] = useState(environment?.name ?? '');
  const [isProtected, setProtected] = useState(environment?.protected ?? false);
  const [reason, setReason] = useState('');
  const create = useCreateEnvironment(project);
  const update = useUpdateEnvironment(project, environment?.key ?? '');
  const { fields, rest } = fieldErrors(create.error ?? update.error, { key: '/key', name: '/name' });

  const submit = () => {
    const onSuccess = onClose;
    if (environment) update.mutate({ update: { name, protected: isProtected }, reason }, { onSuccess });
    else create.mutate({ key: key.trim(), name: name.trim() || null, protected: isProtected }, { onSuccess });
  };
  return (
    <Dialog title={environment ? `Edit ${environment.name}` : 'New environment'} opened onClose={onClose}>
      <Form problems={rest} action={environment ? 'Save' : 'Create environment'} act={submit} busy={create.isPending || update.isPending}>
        {!environment && (
          <TextInput
            label="Key"
            description="What addresses and commands name. It never changes"
            placeholder="preview"
            required
            spellCheck={false}
            value={key}
            onChange={(event) => setKey(event.currentTarget.value)}
            error={fields.key}
          />
        )}
        <TextInput
          label="Name"
          placeholder="As the key"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={fields.name}
        />
        <Checkbox
          label="Protected"
          description="Critical, as production is: it stands out everywhere, and decides when a flag is stale."
          checked={isProtected}
          onChange={(event) => setProtected(event.currentTarget.checked)}
        />
        {environment && <Reason value={reason} onChange={setReason} />}
      </Form>
    </Dialog>
  );
}
