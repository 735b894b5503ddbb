import { Group, Text } from '@mantine/core';
import type { Environment, FlagOverview, Glance } from '../../api/schema';
import { useEnvironments } from '../../data/environments';
import { useSettings } from '../../data/settings';
import { EnvironmentName } from '../../parts/EnvironmentName';
import { FlagState } from '../../parts/FlagState';
import { Person } from '../../parts/Person';
import { Time } from '../../parts/Time';
import classes from './Flag.module.css';

/** The first line of a flag: its state in each environment, who made it so, and when. */
export function StateLine({ project, flag }: { project: string; flag: FlagOverview }) {
  const environments = useEnvironments(project).data ?? [];
  return (
    <ul className={classes.states} aria-label="State in each environment">
      {environments.map((environment) => {
        const glance = flag.environments[environment.key];
        return (
          <li key={environment.key} className={classes.standing}>
            <Group gap="xs" wrap="nowrap">
              <EnvironmentName environment={environment} />
              <State project={project} flag={flag} environment={environment} glance={glance} />
            </Group>
            {glance && (
              <Text size="sm" c="dimmed">
                by <Person actor={glance.changed_by} />, <Time at={glance.changed_at} />
              </Text>
            )}
          </li>
        );
      })}
    </ul>
  );
}

interface StateProps {
  project: string;
  flag: FlagOverview;
  environment: Environment;
  glance: Glance | undefined;
}

/** A flag of values serves one of them while it is off, too; which, its settings say. */
function State({ project, flag, environment, glance }: StateProps) {
  const asked = flag.type !== 'boolean' && glance?.enabled === false && !flag.archived_at;
  const settings = useSettings({ project, environment: environment.key, flag: asked ? flag.key : '' });
  const off = asked ? settings.data?.off_variant : undefined;
  return <FlagState type={flag.type} sight={glance} archived={Boolean(flag.archived_at)} off={off} />;
}
