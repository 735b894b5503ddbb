import { Alert, Button, Group, Text } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { FlagOverview } from '../../api/schema';
import { useArchiveFlag, useDeleteFlag, useRestoreFlag } from '../../data/flags';
import { useMayShared } from '../../data/session';
import { ChangeDialog } from '../../parts/ChangeDialog';
import { Person } from '../../parts/Person';
import { Time } from '../../parts/Time';

interface ArchivedProps {
  project: string;
  flag: FlagOverview;
}

/** Takes a flag out of use; nothing for who may not, or once it is. */
export function Archive({ project, flag }: ArchivedProps) {
  const [asking, setAsking] = useState(false);
  const archive = useArchiveFlag(project, flag.key);
  const may = useMayShared('editor');
  if (!may || flag.archived_at) return null;
  const close = () => setAsking(false);
  return (
    <>
      <Button variant="subtle" color="gray" onClick={() => setAsking(true)}>
        Archive
      </Button>
      {asking && (
        <ChangeDialog action={`Archive ${flag.key}`} change={archive} onClose={close}>
          It leaves every environment at once: code that still reads it gets its own default. Its settings and history stay,
          and it can be restored.
        </ChangeDialog>
      )}
    </>
  );
}

/** Says that a flag is archived, by whom and when, with the ways back and out. */
export function Archived({ project, flag }: ArchivedProps) {
  const [asking, setAsking] = useState<'restore' | 'delete'>();
  const may = useMayShared('editor');
  if (!flag.archived_at) return null;
  const close = () => setAsking(undefined);
  return (
    <Alert color="ember" variant="light" title="Archived" mb="md">
      <Text size="sm">
        <Person first actor={flag.archived_by ?? ''} /> archived it <Time at={flag.archived_at} />. Nobody is served it any more; what
        it said is kept.
      </Text>
      {may && (
        <Group gap="xs" mt="sm">
          <Button size="xs" variant="default" onClick={() => setAsking('restore')}>
            Restore
          </Button>
          <Button size="xs" variant="subtle" color="var(--hoist-danger)" onClick={() => setAsking('delete')}>
            Delete for ever
          </Button>
        </Group>
      )}
      {asking === 'restore' && <Restore project={project} flag={flag} close={close} />}
      {asking === 'delete' && <Delete project={project} flag={flag} close={close} />}
    </Alert>
  );
}

interface DialogProps extends ArchivedProps {
  close: () => void;
}

function Restore({ project, flag, close }: DialogProps) {
  const restore = useRestoreFlag(project, flag.key);
  const on = Object.entries(flag.environments).flatMap(([environment, { enabled }]) => (enabled ? [environment] : []));
  return (
    <ChangeDialog action={`Restore ${flag.key}`} change={restore} onClose={close}>
      It is served again as it was when it was archived: {on.length > 0 ? `on in ${on.join(', ')}` : 'off everywhere'}.
    </ChangeDialog>
  );
}

function Delete({ project, flag, close }: DialogProps) {
  const remove = useDeleteFlag(project, flag.key);
  const navigate = useNavigate();
  const leave = () => void navigate({ to: '/projects/$project/flags', params: { project }, search: { state: 'archived' } });
  return (
    <ChangeDialog action={`Delete ${flag.key}`} title={`Delete ${flag.key} for ever`} change={remove} done={leave} onClose={close}>
      It is gone from every list, and cannot be restored. Its audit stays, and its key is never given out again.
    </ChangeDialog>
  );
}
