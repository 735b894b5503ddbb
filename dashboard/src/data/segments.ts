import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answered, api, reasonHeader } from '../api/client';
import type { NewSegment, SegmentUpdate } from '../api/schema';

const LIST = '/api/v1/projects/{project}/segments';
const ONE = '/api/v1/projects/{project}/segments/{segment}';

/** The segments of a project. */
export function useSegments(project: string) {
  return useQuery({
    queryKey: [project, 'segments'],
    queryFn: async ({ signal }) => (await answered(api.GET(LIST, { params: { path: { project } }, signal }))).items,
  });
}

function useRefresh(project: string) {
  const client = useQueryClient();
  return () => client.invalidateQueries({ queryKey: [project, 'segments'] });
}

export function useCreateSegment(project: string) {
  const onSuccess = useRefresh(project);
  return useMutation({
    mutationFn: ({ segment, reason }: { segment: NewSegment; reason: string }) =>
      answered(api.POST(LIST, { params: { path: { project } }, body: segment, headers: reasonHeader(reason) })),
    onSuccess,
  });
}

interface Replacement {
  update: SegmentUpdate;
  /** The version that was read; a newer one refuses the change. */
  version: number;
  reason: string;
}

/** Replaces a segment; every flag that names it follows at once. */
export function useReplaceSegment(project: string, segment: string) {
  const refresh = useRefresh(project);
  return useMutation({
    mutationFn: ({ update, version, reason }: Replacement) => {
      const params = { path: { project, segment }, header: { 'If-Match': `"${version}"` } };
      return answered(api.PUT(ONE, { params, body: update, headers: reasonHeader(reason) }));
    },
    // A refusal may mean that somebody else was first: then theirs is to be seen.
    onSettled: refresh,
  });
}

/** Deletes a segment that no flag names. */
export function useDeleteSegment(project: string, segment: string) {
  const onSuccess = useRefresh(project);
  return useMutation({
    mutationFn: (reason: string) =>
      answered(api.DELETE(ONE, { params: { path: { project, segment } }, headers: reasonHeader(reason) })),
    onSuccess,
  });
}
