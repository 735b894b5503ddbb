import { ActionIcon, Box, CopyButton, Tooltip } from '@mantine/core';
import { IconCheck, IconCopy } from './icons';
import classes from './Code.module.css';

/** Text to paste elsewhere, with a button that copies it. */
export function Code({ text, label }: { text: string; label: string }) {
  return (
    <Box className={classes.code}>
      {/* Long lines scroll, so the keyboard must reach what scrolls. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre tabIndex={0} aria-label={label}>
        <code>{text}</code>
      </pre>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <Tooltip label={copied ? 'Copied' : 'Copy'}>
            <ActionIcon className={classes.copy} variant="default" onClick={copy} aria-label={copied ? 'Copied' : `Copy ${label}`}>
              {copied ? <IconCheck /> : <IconCopy />}
            </ActionIcon>
          </Tooltip>
        )}
      </CopyButton>
    </Box>
  );
}
