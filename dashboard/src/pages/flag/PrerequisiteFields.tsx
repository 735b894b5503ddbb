import { ActionIcon, Button, MultiSelect, Select, Stack, Title } from '@mantine/core';
import { memo } from 'react';
import { useFlag, useOverview } from '../../data/flags';
import { IconClose, IconPlus } from '../../parts/icons';
import { nextId, type PrerequisiteDraft } from './draft';
import type { Faults } from './faults';
import classes from './Flag.module.css';

/** So many flags are listed at once; typing finds the others. */
const LISTED = 50;

interface PrerequisiteFieldsProps {
  project: string;
  flag: string;
  prerequisites: PrerequisiteDraft[];
  faults: Faults;
  lead: (...places: string[]) => void;
  change: (prerequisites: PrerequisiteDraft[]) => void;
}

/** Flags that must serve certain variants to the same user, or this one serves its off variant. */
export const PrerequisiteFields = memo(function PrerequisiteFields(props: PrerequisiteFieldsProps) {
  const { project, flag, prerequisites, faults, lead, change } = props;
  const rows = (useOverview(project).data?.flags ?? []).filter(({ key }) => key !== flag);
  if (rows.length === 0 && prerequisites.length === 0) return null;
  const remove = (at: number) => {
    change(prerequisites.toSpliced(at, 1));
    const beside = prerequisites[at + 1] ?? prerequisites[at - 1];
    lead(beside ? `[data-prerequisite="${beside.id}"] input` : '[data-add-prerequisite]');
  };
  return (
    <Stack gap="xs">
      <Title order={2}>Prerequisites</Title>
      {prerequisites.map((prerequisite, at) => (
        <One
          key={prerequisite.id}
          project={project}
          name={`Prerequisite ${at + 1}`}
          flags={[...new Set([prerequisite.flag, ...rows.map(({ key }) => key)])].filter(Boolean)}
          prerequisite={prerequisite}
          faults={[faults.at(`/prerequisites/${at}/flag`), faults.at(`/prerequisites/${at}/variants`), faults.at(`/prerequisites/${at}`)]}
          change={(part) => change(prerequisites.with(at, { ...prerequisite, ...part }))}
          remove={() => remove(at)}
        />
      ))}
      {rows.length > 0 && (
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlus size={14} />}
          style={{ alignSelf: 'flex-start' }}
          data-add-prerequisite
          onClick={() => {
            const id = nextId();
            change([...prerequisites, { id, flag: '', variants: [] }]);
            lead(`[data-prerequisite="${id}"] input`);
          }}
        >
          Add a prerequisite
        </Button>
      )}
    </Stack>
  );
});

interface OneProps {
  project: string;
  name: string;
  flags: string[];
  prerequisite: PrerequisiteDraft;
  /** What is wrong with the flag, with the variants, and with any of it. */
  faults: (string | undefined)[];
  change: (part: Partial<PrerequisiteDraft>) => void;
  remove: () => void;
}

function One({ project, name, flags, prerequisite, faults, change, remove }: OneProps) {
  const { id, flag, variants } = prerequisite;
  const known = useFlag(project, flag).data?.variants ?? {};
  const [ofFlag, ofVariants, any] = faults;
  return (
    <div className={classes.prerequisite} data-prerequisite={id} role="group" aria-label={name}>
      <Select
        aria-label={`${name}: flag`}
        placeholder="Choose a flag"
        data={flags}
        limit={LISTED}
        searchable
        openOnFocus={false}
        allowDeselect={false}
        value={flag || null}
        onChange={(chosen) => chosen !== null && chosen !== flag && change({ flag: chosen, variants: [] })}
        nothingFoundMessage="No such flag"
        error={ofFlag ?? (ofVariants ? undefined : any)}
      />
      <MultiSelect
        aria-label={`${name}: must serve`}
        placeholder={variants.length === 0 ? 'must serve' : undefined}
        data={[...new Set([...Object.keys(known), ...variants])]}
        value={variants}
        onChange={(chosen) => change({ variants: chosen })}
        disabled={flag === ''}
        error={ofVariants}
      />
      <ActionIcon variant="subtle" color="gray" size="lg" aria-label={`${name}: remove`} onClick={remove}>
        <IconClose />
      </ActionIcon>
    </div>
  );
}
