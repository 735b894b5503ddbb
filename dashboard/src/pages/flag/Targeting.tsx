import { Alert, Button, Group, NativeSelect, Stack, Switch, Text, Title } from '@mantine/core';
import { useBlocker } from '@tanstack/react-router';
import { useState } from 'react';
import { ProblemError } from '../../api/problem';
import type { Settings } from '../../api/schema';
import { useMay } from '../../data/session';
import { bare, useSaveSettings, useSettings } from '../../data/settings';
import { Dialog } from '../../parts/Dialog';
import { Failure } from '../../parts/Failure';
import { FormProblems } from '../../parts/FormProblems';
import { IconPlus } from '../../parts/icons';
import lines from '../../parts/Lines.module.css';
import { Loading } from '../../parts/Loading';
import { Reason } from '../../parts/Reason';
import { DeliveryFields } from './DeliveryFields';
import { type Draft, draftOf, emptyRule, settingsOf } from './draft';
import { faultsOf } from './faults';
import type { ContentProps } from './FlagPage';
import classes from './Flag.module.css';
import { Merge } from './Merge';
import { PrerequisiteFields } from './PrerequisiteFields';
import { RuleFields } from './RuleFields';

/** Who gets what: prerequisites, rules in order, and the default. */
export function Targeting(props: ContentProps) {
  const settings = useSettings(props.place);
  // The editor keeps what it was opened with: what another person saves meanwhile must not move under the hands.
  const [base, setBase] = useState<typeof settings.data>();
  if (settings.error && !settings.data) return <Failure error={settings.error} again={() => void settings.refetch()} />;
  if (!settings.data) return <Loading rows={5} />;
  const opened = base ?? settings.data;
  return (
    <Editor
      key={opened.version}
      {...props}
      opened={bare(opened)}
      version={opened.version}
      newest={settings.data}
      touched={() => setBase((before) => before ?? settings.data)}
      reopen={() => setBase(undefined)}
    />
  );
}

interface EditorProps extends ContentProps {
  opened: Settings;
  version: number;
  newest: { version: number; changed_by: string } & Settings;
  touched: () => void;
  reopen: () => void;
}

function Editor({ place, flag, environment, opened, version, newest, touched, reopen }: EditorProps) {
  const may = useMay('editor') && !flag.archived_at;
  const [draft, setDraft] = useState(() => draftOf(opened));
  const [reason, setReason] = useState('');
  const save = useSaveSettings(place);
  const variants = Object.keys(flag.variants);
  const mine = settingsOf(draft);
  const dirty = JSON.stringify(mine) !== JSON.stringify(settingsOf(draftOf(opened)));
  const leaving = useBlocker({ shouldBlockFn: () => dirty, withResolver: true, enableBeforeUnload: dirty });
  const outdated = save.error instanceof ProblemError && save.error.outdated;
  const faults = faultsOf(outdated ? null : save.error);

  const change = (part: Partial<Draft>) => {
    touched();
    setDraft((before) => ({ ...before, ...part }));
  };
  const send = (body: Settings, over: number) =>
    save.mutate({ body, version: over, reason }, { onSuccess: reopen });

  return (
    <Stack gap="md">
      {dirty && newest.version !== version && !outdated && (
        <Alert color="ink" variant="light" title="Somebody else saved meanwhile">
          What you edit began at version {version}; {newest.changed_by} has saved version {newest.version}. You will see both
          before anything is overwritten.
        </Alert>
      )}
      <FormProblems problems={faults.rest} />
      <fieldset disabled={!may} className={classes.fields}>
        <Stack gap="md">
          <Switch
            label={`On in ${environment.name}`}
            checked={draft.enabled}
            onChange={(event) => change({ enabled: event.currentTarget.checked })}
          />
          <PrerequisiteFields
            project={place.project}
            flag={flag.key}
            prerequisites={draft.prerequisites}
            faults={faults}
            change={(prerequisites) => change({ prerequisites })}
          />
          <Title order={2}>Rules</Title>
          <Text size="sm" c="dimmed">
            In order; the first that applies serves. Whoever is outside its rollout goes on to the next.
          </Text>
          {draft.rules.map((rule, at) => (
            <RuleFields
              key={rule.id}
              project={place.project}
              rule={rule}
              at={at}
              last={draft.rules.length - 1}
              variants={variants}
              before={opened.rules?.[at]?.serve}
              faults={faults}
              change={(rule) => change({ rules: draft.rules.map((it) => (it.id === rule.id ? rule : it)) })}
              remove={() => change({ rules: draft.rules.filter(({ id }) => id !== rule.id) })}
              move={(by) => change({ rules: moved(draft.rules, at, by) })}
            />
          ))}
          <Button
            variant="default"
            leftSection={<IconPlus size={14} />}
            style={{ alignSelf: 'flex-start' }}
            onClick={() => change({ rules: [...draft.rules, emptyRule(variants)] })}
          >
            Add a rule
          </Button>
          <section className={classes.rule} aria-label="Default">
            <Title order={2} mb="sm">
              Everyone else
            </Title>
            <DeliveryFields
              name="Default"
              pointer="/default"
              delivery={draft.default}
              variants={variants}
              before={opened.default.serve}
              faults={faults}
              change={(served) => change({ default: served })}
            />
            <NativeSelect
              mt="sm"
              maw={280}
              label="Served when it is off, and outside the rollout"
              data={variants}
              value={draft.off_variant}
              onChange={(event) => change({ off_variant: event.currentTarget.value })}
              error={faults.at('/off_variant')}
            />
          </section>
        </Stack>
      </fieldset>
      {outdated && (
        <Merge
          opened={opened}
          mine={mine}
          theirs={newest}
          take={() => reopen()}
          keep={(merged) => send(merged, newest.version)}
          busy={save.isPending}
        />
      )}
      {dirty && may && (
        <div className={`${lines.card} ${classes.card}`}>
          <Reason value={reason} onChange={setReason} />
          <Group justify="flex-end" mt="sm">
            <Button variant="default" onClick={reset(setDraft, opened, reopen)}>
              Discard
            </Button>
            <Button onClick={() => send(mine, version)} loading={save.isPending} color={environment.protected ? 'ember.7' : undefined}>
              {`Save in ${environment.name}`}
            </Button>
          </Group>
        </div>
      )}
      <Dialog title="Leave what is not saved?" opened={leaving.status === 'blocked'} onClose={() => leaving.reset?.()}>
        <Text mb="md">What you changed here is not saved.</Text>
        <Group justify="flex-end">
          <Button variant="default" onClick={() => leaving.reset?.()}>
            Stay
          </Button>
          <Button color="ember.7" onClick={() => leaving.proceed?.()}>
            Leave
          </Button>
        </Group>
      </Dialog>
    </Stack>
  );
}

function reset(setDraft: (draft: Draft) => void, opened: Settings, reopen: () => void) {
  return () => {
    setDraft(draftOf(opened));
    reopen();
  };
}

function moved<T>(list: T[], from: number, by: number): T[] {
  const next = list.toSpliced(from, 1);
  const [item] = list.slice(from, from + 1);
  return item === undefined ? list : next.toSpliced(from + by, 0, item);
}
