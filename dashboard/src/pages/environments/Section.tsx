import { Box, Group, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import lines from '../../parts/Lines.module.css';

interface SectionProps {
  title: string;
  action?: ReactNode;
  children: ReactNode;
}

/** One of the page's lists, with what can be added to it. */
export function Section({ title, action, children }: SectionProps) {
  return (
    <Box component="section" mb="xl" aria-label={title}>
      <Group justify="space-between" mb="xs">
        <Title order={2}>{title}</Title>
        {action}
      </Group>
      <div className={lines.card}>{children}</div>
    </Box>
  );
}
