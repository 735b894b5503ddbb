import { Box, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { useLocation } from '@tanstack/react-router';
import { type ReactNode, useEffect, useRef } from 'react';
import { Key } from './Key';
import classes from './Page.module.css';

/** The first page of a visit leaves the keyboard where the browser put it. */
let opened = false;

interface PageProps {
  /** The page's heading, and the name of its tab. */
  title: string;
  /** A line below the heading that says what matters most. */
  lead?: ReactNode;
  /** What can be done here, beside the heading. */
  actions?: ReactNode;
  children: ReactNode;
}

/** A page: its heading, which gets the keyboard when one comes from another page, and its content. */
export function Page({ title, lead, actions, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  const path = useLocation({ select: ({ pathname }) => pathname });
  useDocumentTitle(`${title} · Hoist`);
  useEffect(() => {
    if (opened) heading.current?.focus();
    opened = true;
  }, [path]);
  return (
    <Box className={classes.page}>
      <div className={classes.head}>
        <Title order={1} tabIndex={-1} ref={heading} className={classes.title}>
          <Key>{title}</Key>
        </Title>
        {lead && (
          <Text component="div" c="dimmed" className={classes.lead}>
            {lead}
          </Text>
        )}
        {actions && <div className={classes.actions}>{actions}</div>}
      </div>
      {children}
    </Box>
  );
}
