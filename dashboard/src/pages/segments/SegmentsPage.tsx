import { Button } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import type { Segment } from '../../api/schema';
import { useProject } from '../../data/place';
import { useDeleteSegment, useSegments } from '../../data/segments';
import { useMayShared } from '../../data/session';
import { ChangeDialog } from '../../parts/ChangeDialog';
import { Empty } from '../../parts/Empty';
import { Failure } from '../../parts/Failure';
import { IconPlus } from '../../parts/icons';
import lines from '../../parts/Lines.module.css';
import { Loading } from '../../parts/Loading';
import { Page } from '../../parts/Page';
import { SegmentDialog } from './SegmentDialog';
import { SegmentLine } from './SegmentLine';

/** Named sets of users, which the rules of any flag may name. */
export function SegmentsPage() {
  const project = useProject();
  const segments = useSegments(project);
  const [creating, setCreating] = useState(false);
  const [deleted, setDeleted] = useState<Segment>();
  const [open, setOpen] = useOpenSegment();
  const may = useMayShared('editor');
  const shown = segments.data?.find(({ key }) => key === open);
  // A segment that somebody deletes while it is edited does not take the edit along.
  const [edited, setEdited] = useState<string>();
  if (edited !== open && (shown || open === undefined)) setEdited(open);
  const add = may && (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setCreating(true)}>
      New segment
    </Button>
  );
  return (
    <Page title="Segments" lead="Sets of users with a name, for the rules of any flag." actions={add}>
      {segments.isPending && <Loading />}
      {segments.error && !segments.data && <Failure error={segments.error} again={() => void segments.refetch()} />}
      {segments.data?.length === 0 && (
        <Empty title="No segments yet">Say once who the beta testers are, and name them in every flag that is for them.</Empty>
      )}
      {segments.data && segments.data.length > 0 && (
        <ul className={lines.lines}>
          {segments.data.map((segment) => (
            <SegmentLine
              key={segment.key}
              segment={segment}
              edit={() => setOpen(segment.key)}
              remove={may ? () => setDeleted(segment) : undefined}
            />
          ))}
        </ul>
      )}
      {creating && <SegmentDialog project={project} onClose={() => setCreating(false)} />}
      {edited !== undefined && (
        <SegmentDialog key={edited} project={project} segment={shown} onClose={() => setOpen(undefined)} />
      )}
      {deleted && <DeleteSegment project={project} segment={deleted} onClose={() => setDeleted(undefined)} />}
    </Page>
  );
}

function useOpenSegment(): [string | undefined, (key: string | undefined) => void] {
  const open = useSearch({ from: '/projects/$project/segments', select: ({ segment }) => segment });
  const navigate = useNavigate();
  const show = (segment: string | undefined) =>
    void navigate({ from: '/projects/$project/segments', to: '.', search: (before) => ({ ...before, segment }) });
  return [open, show];
}

interface DeleteProps {
  project: string;
  segment: Segment;
  onClose: () => void;
}

function DeleteSegment({ project, segment, onClose }: DeleteProps) {
  const remove = useDeleteSegment(project, segment.key);
  return (
    <ChangeDialog action={`Delete ${segment.key}`} change={remove} onClose={onClose}>
      Its conditions and lists are gone. It is refused while any flag names the segment, so no flag changes by it.
    </ChangeDialog>
  );
}
