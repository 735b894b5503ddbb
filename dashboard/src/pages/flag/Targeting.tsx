import { Alert, Button, Group, NativeSelect, Stack, Switch, Text, Title } from '@mantine/core';
import { useBlocker } from '@tanstack/react-router';
import { useCallback, useEffect, useMemo, useRef } from 'react';
import type { FlagSettings } from '../../api/schema';
import { useMay } from '../../data/session';
import { useSettings } from '../../data/settings';
import { Dialog } from '../../parts/Dialog';
import { Failure } from '../../parts/Failure';
import { FormProblems } from '../../parts/FormProblems';
import { IconPlus } from '../../parts/icons';
import { useLead } from '../../parts/lead';
import { Loading } from '../../parts/Loading';
import { Person } from '../../parts/Person';
import { DeliveryFields } from './DeliveryFields';
import { emptyRule, type PrerequisiteDraft, type RuleDraft } from './draft';
import { type Told, useEditing } from './editing';
import { FAULTLESS, faultsOf } from './faults';
import type { ContentProps } from './FlagPage';
import classes from './Flag.module.css';
import { Merge } from './Merge';
import { PrerequisiteFields } from './PrerequisiteFields';
import { type RuleEdits, RuleFields } from './RuleFields';
import { SaveBar } from './SaveBar';

/** Who gets what: prerequisites, rules in order, and the default. */
export function Targeting(props: ContentProps) {
  const settings = useSettings(props.place);
  if (settings.error && !settings.data) return <Failure error={settings.error} again={() => void settings.refetch()} />;
  if (!settings.data) return <Loading rows={5} />;
  return <Editor {...props} newest={settings.data} reread={settings.refetch} />;
}

interface EditorProps extends ContentProps {
  newest: FlagSettings;
  reread: () => Promise<unknown>;
}

/** Where the keyboard goes when the server has answered. */
const REFUSED = ['[aria-invalid="true"]', '[data-problems]', '[data-save]'];

function Editor({ place, flag, environment, newest, reread }: EditorProps) {
  const may = useMay('editor') && !flag.archived_at;
  const editing = useEditing(place, newest, reread);
  const { draft, origin, dirty, change } = editing;
  const [within, lead] = useLead<HTMLDivElement>();
  const leaving = useBlocker({ shouldBlockFn: () => dirty, withResolver: true, enableBeforeUnload: dirty });
  const faults = useMemo(() => faultsOf(editing.error, editing.missing), [editing.error, editing.missing]);
  const variants = useMemo(() => Object.keys(flag.variants), [flag.variants]);
  const ended = (well: boolean) => (well ? lead('[data-told]') : lead(...REFUSED));
  const stay = () => {
    leaving.reset?.();
    // What opened the dialog may be a menu that is gone: then this keeps the keyboard.
    lead('[data-save]');
  };

  return (
    <Stack gap="md" ref={within}>
      {editing.outdated && !editing.merging && (
        <Alert color="ink" variant="light" title="Somebody else saved meanwhile">
          <Text size="sm" mb="xs">
            <Person first actor={newest.changed_by} /> has saved version {newest.version}; what you edit began at version{' '}
            {editing.base.version}. Nothing is overwritten unseen.
          </Text>
          <Button size="xs" variant="default" onClick={() => editing.setMerging(true)}>
            Look at both
          </Button>
        </Alert>
      )}
      {editing.merging ? (
        <Merge
          environment={environment}
          base={origin}
          mine={draft}
          theirs={newest}
          reason={editing.reason}
          setReason={editing.setReason}
          back={() => {
            editing.setMerging(false);
            lead('[data-save]');
          }}
          take={() => {
            editing.discard();
            lead('[data-told]', 'input');
          }}
          keep={(merged) => editing.saveMerged(merged, ended)}
        />
      ) : (
        <>
          {faults.rest.length > 0 && (
            <div tabIndex={-1} data-problems>
              <FormProblems problems={faults.rest} />
            </div>
          )}
          <Fields {...{ place, flag, environment, may, variants, faults, lead, draft, origin, change }} />
          {dirty && may && (
            <SaveBar
              environment={environment}
              reason={editing.reason}
              setReason={editing.setReason}
              discard={() => {
                editing.discard();
                lead('input');
              }}
              save={() => editing.save(ended)}
              busy={editing.busy}
            />
          )}
        </>
      )}
      <SaidLast told={editing.told} />
      <Dialog title="Leave what is not saved?" opened={leaving.status === 'blocked'} onClose={stay}>
        <Text mb="md">What you changed here is not saved.</Text>
        <Group justify="flex-end">
          <Button variant="default" onClick={stay}>
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

/** What the editor did last, said aloud; after a save it has the keyboard. */
function SaidLast({ told }: { told: Told | undefined }) {
  return (
    <Text size="sm" c="dimmed" role="status" tabIndex={-1} data-told>
      {told && 'saved' in told && `Saved as version ${told.saved}.`}
      {told && 'followed' in told && (
        <>
          <Person first actor={told.followed.changed_by} /> has saved version {told.followed.version}; you see it now.
        </>
      )}
    </Text>
  );
}

interface FieldsProps extends Pick<ContentProps, 'place' | 'flag' | 'environment'> {
  may: boolean;
  variants: string[];
  faults: ReturnType<typeof faultsOf>;
  lead: (...places: string[]) => void;
  draft: ReturnType<typeof useEditing>['draft'];
  origin: ReturnType<typeof useEditing>['draft'];
  change: ReturnType<typeof useEditing>['change'];
}

function Fields({ place, flag, environment, may, variants, faults, lead, draft, origin, change }: FieldsProps) {
  const { rules } = draft;
  const edit = useRuleEdits(rules, change, lead);
  const below = (place: string) => (faults.at(place) === undefined ? FAULTLESS : faults);
  const setPrerequisites = useCallback((prerequisites: PrerequisiteDraft[]) => change(() => ({ prerequisites })), [change]);
  return (
    <fieldset disabled={!may} className={classes.fields}>
      <Stack gap="md">
        <Switch
          label={`On in ${environment.name || environment.key}`}
          checked={draft.enabled}
          onChange={({ currentTarget: { checked: enabled } }) => change(() => ({ enabled }))}
        />
        <PrerequisiteFields
          project={place.project}
          flag={flag.key}
          prerequisites={draft.prerequisites}
          faults={below('/prerequisites')}
          lead={lead}
          change={setPrerequisites}
        />
        <Title order={2}>Rules</Title>
        <Text size="sm" c="dimmed">
          In order; the first that applies serves. Whoever is outside its rollout goes on to the next.
        </Text>
        {rules.map((rule, at) => (
          <RuleFields
            key={rule.id}
            project={place.project}
            rule={rule}
            at={at}
            last={rules.length - 1}
            variants={variants}
            before={origin.rules.find(({ id }) => id === rule.id)?.weights}
            faults={below(`/rules/${at}`)}
            edit={edit}
          />
        ))}
        <Button
          variant="default"
          leftSection={<IconPlus size={14} />}
          style={{ alignSelf: 'flex-start' }}
          data-add-rule
          onClick={() => {
            const rule = emptyRule(variants);
            change(({ rules }) => ({ rules: [...rules, rule] }));
            lead(`[data-rule="${rule.id}"] input`);
          }}
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
            before={origin.default.weights}
            faults={faults}
            change={(served) => change(() => ({ default: served }))}
          />
          <NativeSelect
            mt="sm"
            maw={280}
            label="Served when it is off, and outside the rollout"
            data={variants}
            value={draft.off_variant}
            onChange={({ currentTarget: { value } }) => change(() => ({ off_variant: value }))}
            error={faults.at('/off_variant')}
          />
        </section>
      </Stack>
    </fieldset>
  );
}

/** The same for as long as the editor stands, whatever is typed: what rules are drawn with. */
function useRuleEdits(rules: RuleDraft[], change: FieldsProps['change'], lead: FieldsProps['lead']): RuleEdits {
  const newest = useRef(rules);
  useEffect(() => {
    newest.current = rules;
  }, [rules]);
  return useMemo(() => {
    const place = (id: number) => newest.current.findIndex((it) => it.id === id);
    return {
      change: (rule) => change(({ rules }) => ({ rules: rules.map((it) => (it.id === rule.id ? rule : it)) })),
      remove: (id) => {
        const beside = newest.current[place(id) + 1] ?? newest.current[place(id) - 1];
        change(({ rules }) => ({ rules: rules.filter((it) => it.id !== id) }));
        lead(beside ? `[data-rule="${beside.id}"] input` : '[data-add-rule]', '[data-add-rule]');
      },
      move: (id, by) => {
        const at = place(id);
        change(({ rules }) => ({ rules: moved(rules, at, by) }));
        const [first, second] = by < 0 ? ['up', 'down'] : ['down', 'up'];
        const button = (name: string | undefined) => `[data-rule="${id}"] [data-move="${name}"]:not(:disabled)`;
        lead(button(first), button(second));
      },
    };
  }, [change, lead]);
}

function moved<T>(list: T[], from: number, by: number): T[] {
  const next = list.toSpliced(from, 1);
  const [item] = list.slice(from, from + 1);
  return item === undefined ? list : next.toSpliced(from + by, 0, item);
}
