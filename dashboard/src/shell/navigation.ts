import {
  IconAudit,
  IconCompare,
  IconFlag,
  IconInstance,
  IconKey,
  IconSegment,
  IconStale,
} from '../parts/icons';

/** The pages that stand in the navigation, in its order. */
export const navigation = [
  { to: '/projects/$project/flags', label: 'Flags', Icon: IconFlag },
  { to: '/projects/$project/segments', label: 'Segments', Icon: IconSegment },
  { to: '/projects/$project/environments', label: 'Environments & keys', Icon: IconKey },
  { to: '/projects/$project/instances', label: 'Instances', Icon: IconInstance },
  { to: '/projects/$project/compare', label: 'Compare', Icon: IconCompare },
  { to: '/projects/$project/audit', label: 'Audit', Icon: IconAudit },
  { to: '/projects/$project/stale', label: 'Stale', Icon: IconStale },
] as const;

/** Those that speak of all environments at once, so that who may see one only is not sent there. */
export const ofAll: readonly string[] = ['/projects/$project/compare', '/projects/$project/stale'];
