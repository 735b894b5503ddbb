import { Fragment } from 'react';

/** Behind each of these a key may break. */
const JOINTS = /(?<=[_.~-])(?=[^_.~-])/;

/** A key, which breaks at its joints where it is too long for its line. */
export function Key({ children }: { children: string }) {
  return children.split(JOINTS).map((part, place) => (
    <Fragment key={place}>
      {place > 0 && <wbr />}
      {part}
    </Fragment>
  ));
}
