import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answered, api } from '../api/client';
import { ProblemError } from '../api/problem';
import type { FlagSettings, Rollout, Settings } from '../api/schema';
import { flagQuery } from './flags';

const PATH = '/api/v1/projects/{project}/environments/{environment}/flags/{flag}';

/** Where settings stand. */
export interface SettingsPlace {
  project: string;
  environment: string;
  flag: string;
}

const keyOf = ({ project, environment, flag }: SettingsPlace) => [...flagQuery(project, flag).queryKey, 'settings', environment];

/** What one environment says about a flag. */
export const settingsQuery = (path: SettingsPlace) =>
  queryOptions({
    queryKey: keyOf(path),
    queryFn: ({ signal }) => answered(api.GET(PATH, { params: { path }, signal })),
  });

export function useSettings(place: SettingsPlace) {
  return useQuery({ ...settingsQuery(place), enabled: place.flag !== '' });
}

/** What was said at a revision. It stays so whatever is changed later, so a change of the flag does not ask again. */
export function useSettingsAt(path: SettingsPlace, revision: number | undefined) {
  const { project, environment, flag } = path;
  return useQuery({
    queryKey: [project, 'past', environment, flag, revision],
    enabled: revision !== undefined,
    queryFn: ({ signal }) =>
      answered(api.GET(PATH, { params: { path, query: { at: String(revision) } as never }, signal })),
  });
}

/** The settings alone, without what the server says about them. */
export function bare({ enabled, prerequisites, rules, default: served, off_variant }: FlagSettings): Settings {
  return { enabled, prerequisites: prerequisites ?? [], rules: rules ?? [], default: served, off_variant };
}

/** A write to settings, of the version that was seen. */
interface Write<Body> {
  body: Body;
  version: number;
}

const matching = (path: SettingsPlace, version: number) => ({ path, header: { 'If-Match': `"${version}"` } });

/** Every write leaves the settings as the server answered, and reads again what else is told of the flag. */
function useWritten(place: SettingsPlace) {
  const client = useQueryClient();
  return (written: FlagSettings) => {
    client.setQueryData(keyOf(place), written);
    return client.invalidateQueries({ queryKey: flagQuery(place.project, place.flag).queryKey });
  };
}

/** A refusal may mean that somebody else was first: then theirs is to be seen. */
function useRefused(place: SettingsPlace) {
  const client = useQueryClient();
  return (error: Error) => {
    if (error instanceof ProblemError && error.outdated) void client.invalidateQueries({ queryKey: keyOf(place) });
  };
}

/** A product owner's one call. */
export function useRollout(path: SettingsPlace) {
  return useMutation({
    onError: useRefused(path),
    mutationFn: ({ body, version }: Write<Rollout>) =>
      answered(api.PUT(`${PATH}/rollout`, { params: matching(path, version), body })),
    onSuccess: useWritten(path),
  });
}

/** Says everything about a flag; the reason goes beside the settings. */
export function useSaveSettings(path: SettingsPlace) {
  return useMutation({
    onError: useRefused(path),
    mutationFn: ({ body, version, reason }: Write<Settings> & { reason: string }) => {
      const params = matching(path, version);
      const header = reason ? { ...params.header, 'Hoist-Reason': encodeURIComponent(reason) } : params.header;
      return answered(api.PUT(PATH, { params: { path, header }, body }));
    },
    onSuccess: useWritten(path),
  });
}

/** Turns a flag off at once. */
export function useKill(path: SettingsPlace) {
  return useMutation({
    mutationFn: (reason: string) =>
      answered(api.POST(`${PATH}/kill`, { params: { path }, body: reason ? { reason } : {} })),
    onSuccess: useWritten(path),
  });
}

/** Says why a flag was turned off, once it is; one that was turned on again since stays on. */
export function useKillReason(path: SettingsPlace) {
  return useMutation({
    mutationFn: ({ reason, version }: { reason: string; version: number }) =>
      answered(api.POST(`${PATH}/kill`, { params: matching(path, version), body: { reason } })),
    onError: useRefused(path),
    onSuccess: useWritten(path),
  });
}

/** Gives a flag back what it had at a revision. */
export function useRestore(path: SettingsPlace) {
  return useMutation({
    mutationFn: ({ body, version }: Write<{ revision: number; reason?: string }>) =>
      answered(api.POST(`${PATH}/restore`, { params: matching(path, version), body })),
    onSuccess: useWritten(path),
  });
}
