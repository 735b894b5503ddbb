import { Button, Menu, Text } from '@mantine/core';
import { useProjects } from '../data/projects';
import { IconCheck, IconDown } from '../parts/icons';
import { LinkMenuItem } from '../parts/links';

/** Which project is looked at. Where there is only one, there is nothing to pick. */
export function ProjectPicker({ project }: { project: string }) {
  const projects = useProjects().data ?? [];
  const name = projects.find(({ key }) => key === project)?.name || project;
  if (projects.length < 2) return null;
  return (
    <Menu position="bottom-start" width={240}>
      <Menu.Target>
        <Button variant="subtle" color="gray" size="xs" maw={160} rightSection={<IconDown size={14} />} aria-label={`Project: ${name}`}>
          <Text span inherit truncate>
            {name}
          </Text>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Project</Menu.Label>
        {projects.map(({ key, name }) => (
          <LinkMenuItem
            key={key}
            to="/projects/$project/flags"
            // Another project has other environments.
            params={{ project: key }}
            search={{ environment: undefined }}
            rightSection={key === project && <IconCheck size={16} />}
          >
            {name || key}
          </LinkMenuItem>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
