import { Button, Menu } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useRef } from 'react';
import type { Environment } from '../api/schema';
import { toneOf, useEnvironments } from '../data/environments';
import { EnvironmentName } from '../parts/EnvironmentName';
import { IconCheck, IconDown } from '../parts/icons';
import classes from './EnvironmentPicker.module.css';

/** Which environment is looked at; production cannot be mistaken for another. */
export function EnvironmentPicker({ project, environment }: { project: string; environment: Environment | undefined }) {
  const environments = useEnvironments(project).data ?? [];
  const navigate = useNavigate();
  const picker = useRef<HTMLButtonElement>(null);
  const choose = (key: string) => {
    // The menu is about to go: what asks before another environment is shown gives the keyboard back to what stays.
    picker.current?.focus();
    void navigate({ to: '.', search: (before) => ({ ...before, environment: key }) });
  };
  return (
    <Menu position="bottom-start" width={240}>
      <Menu.Target>
        <Button
          ref={picker}
          variant="default"
          size="xs"
          className={classes.picker}
          data-tone={environment && toneOf(environment)}
          rightSection={<IconDown size={14} />}
          aria-label={`Environment: ${environment ? environment.name || environment.key : 'none'}`}
        >
          {environment ? <EnvironmentName environment={environment} /> : 'None'}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Environment</Menu.Label>
        {environments.map((it) => (
          <Menu.Item
            key={it.key}
            onClick={() => choose(it.key)}
            aria-current={it.key === environment?.key}
            rightSection={it.key === environment?.key && <IconCheck size={16} />}
          >
            <EnvironmentName environment={it} />
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
