const PROJECT = 'hoist-project';
const DEFAULT_PROJECT = 'default';

/** The project that was open last in this browser. */
export function rememberedProject(): string {
  return localStorage.getItem(PROJECT) ?? DEFAULT_PROJECT;
}

export function rememberProject(project: string) {
  localStorage.setItem(PROJECT, project);
}
