import { Radio, Stack } from '@mantine/core';
import type { Clash, Whose } from './clashes';
import classes from './ClashChoice.module.css';

interface ClashChoiceProps {
  clash: Clash;
  value: Whose | undefined;
  choose: (whose: Whose) => void;
}

/** Both changed the same: whose stands. */
export function ClashChoice({ clash, value, choose }: ClashChoiceProps) {
  const { name, before, theirs, mine } = clash;
  return (
    <Radio.Group
      className={classes.clash}
      label={name}
      description={`It was ${before}.`}
      value={value ?? ''}
      onChange={(whose) => choose(whose as Whose)}
    >
      <Stack gap={6} mt={6}>
        <Radio value="theirs" label={`Theirs: ${theirs}`} />
        <Radio value="mine" label={`Yours: ${mine}`} />
      </Stack>
    </Radio.Group>
  );
}
