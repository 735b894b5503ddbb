import { ActionIcon, Group, Kbd, Stack, Switch, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useShortcut, useShortcuts, useShortcutsEnabled } from '../data/shortcuts';
import { Dialog } from '../parts/Dialog';
import { IconHelp } from '../parts/icons';

/** What the keyboard can do on this page. */
export function ShortcutHelp() {
  const [open, { open: show, close }] = useDisclosure();
  const [enabled, setEnabled] = useShortcutsEnabled();
  const shortcuts = useShortcuts();
  // The help stands twice, for wide pages and for narrow ones: each key is told once.
  const told = shortcuts.filter(({ key }, place) => shortcuts.findIndex((it) => it.key === key) === place);
  return (
    <>
      <Shortcut show={show} />
      <ActionIcon variant="subtle" color="gray" size="lg" onClick={show} aria-label="Keyboard shortcuts">
        <IconHelp />
      </ActionIcon>
      <Dialog title="Keyboard" opened={open} onClose={close}>
        <Stack gap="xs">
          {told.map(({ key, label }) => (
            <Group key={key} justify="space-between">
              <Text size="sm">{label}</Text>
              <Kbd>{key}</Kbd>
            </Group>
          ))}
          <Switch
            mt="sm"
            label="Single keys do something"
            checked={enabled}
            onChange={(event) => setEnabled(event.currentTarget.checked)}
          />
        </Stack>
      </Dialog>
    </>
  );
}

function Shortcut({ show }: { show: () => void }) {
  useShortcut('?', 'Show this help', show);
  return null;
}
