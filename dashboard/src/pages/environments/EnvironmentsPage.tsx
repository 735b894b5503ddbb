import { useProject } from '../../data/place';
import { Page } from '../../parts/Page';
import { EnvironmentList } from './EnvironmentList';
import { KeyList } from './KeyList';

/** The environments of a project, and the keys that applications and people use in them. */
export function EnvironmentsPage() {
  const project = useProject();
  return (
    <Page title="Environments & keys">
      <EnvironmentList project={project} />
      <KeyList project={project} />
    </Page>
  );
}
