import { Button } from '@mantine/core';
import { useState } from 'react';
import type { Environment } from '../../api/schema';
import { useDeleteEnvironment, useEnvironments } from '../../data/environments';
import { useMayShared } from '../../data/session';
import { ChangeDialog } from '../../parts/ChangeDialog';
import { EnvironmentName } from '../../parts/EnvironmentName';
import { Failure } from '../../parts/Failure';
import { IconPlus } from '../../parts/icons';
import lines from '../../parts/Lines.module.css';
import { Loading } from '../../parts/Loading';
import { EnvironmentDialog } from './EnvironmentDialog';
import classes from './Environments.module.css';
import { Section } from './Section';

type Open = { act: 'create' } | { act: 'edit' | 'delete'; environment: Environment };

export function EnvironmentList({ project }: { project: string }) {
  const environments = useEnvironments(project);
  const [open, setOpen] = useState<Open>();
  const may = useMayShared('admin');
  const close = () => setOpen(undefined);
  return (
    <Section title="Environments" action={may && <Add onClick={() => setOpen({ act: 'create' })}>New environment</Add>}>
      {environments.isPending && <Loading rows={3} />}
      {environments.error && <Failure error={environments.error} again={() => void environments.refetch()} />}
      {environments.data?.map((environment) => (
        <div key={environment.key} className={`${lines.line} ${classes.row}`}>
          <span className={classes.name}>
            <EnvironmentName environment={environment} />
            {environment.name !== environment.key && <span className={lines.dim}>{environment.key}</span>}
          </span>
          <span className={classes.fact}>{environment.protected && 'Protected'}</span>
          <span className={classes.fact}>Revision {environment.revision}</span>
          <span className={classes.fact} />
          {may && (
            <span className={`${lines.acts} ${classes.acts}`}>
              <Button size="compact-sm" variant="subtle" onClick={() => setOpen({ act: 'edit', environment })} aria-label={`Edit ${environment.name}`}>
                Edit
              </Button>
              <Button
                size="compact-sm"
                variant="subtle"
                color="var(--hoist-danger)"
                onClick={() => setOpen({ act: 'delete', environment })}
                aria-label={`Delete ${environment.name}`}
              >
                Delete
              </Button>
            </span>
          )}
        </div>
      ))}
      {open?.act === 'create' && <EnvironmentDialog project={project} onClose={close} />}
      {open?.act === 'edit' && <EnvironmentDialog project={project} environment={open.environment} onClose={close} />}
      {open?.act === 'delete' && <DeleteEnvironment project={project} environment={open.environment} onClose={close} />}
    </Section>
  );
}

export function Add({ onClick, children }: { onClick: () => void; children: string }) {
  return (
    <Button size="xs" variant="default" leftSection={<IconPlus size={14} />} onClick={onClick}>
      {children}
    </Button>
  );
}

interface DeleteProps {
  project: string;
  environment: Environment;
  onClose: () => void;
}

function DeleteEnvironment({ project, environment, onClose }: DeleteProps) {
  const remove = useDeleteEnvironment(project, environment.key);
  return (
    <ChangeDialog action={`Delete ${environment.name}`} change={remove} onClose={onClose}>
      Its keys stop working and its streams end at once. What its flags said there is gone. It is refused while any flag
      is on in it.
    </ChangeDialog>
  );
}
