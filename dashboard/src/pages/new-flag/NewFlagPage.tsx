import { useNavigate, useSearch } from '@tanstack/react-router';
import { useFlag } from '../../data/flags';
import { useEnvironment, useProject } from '../../data/place';
import { useMayShared } from '../../data/session';
import { Empty } from '../../parts/Empty';
import { Failure } from '../../parts/Failure';
import { LinkButton } from '../../parts/links';
import { Loading } from '../../parts/Loading';
import { Page } from '../../parts/Page';
import { Snippets } from '../../parts/Snippets';
import { NewFlagForm } from './NewFlagForm';

/** Makes a flag in one form, and then shows how to read it. */
export function NewFlagPage() {
  const project = useProject();
  const { made } = useSearch({ from: '/projects/$project/new-flag' });
  const navigate = useNavigate();
  const may = useMayShared('editor');
  const show = (key: string) =>
    void navigate({ from: '/projects/$project/new-flag', to: '.', search: (before) => ({ ...before, made: key }) });
  if (made !== undefined) return <Made project={project} flag={made} />;
  return (
    <Page title="New flag" lead="It is off in every environment until somebody turns it on.">
      {may ? (
        <NewFlagForm project={project} done={show} />
      ) : (
        <Empty title="Editors of the project make flags" action={<LinkButton to="/projects/$project/flags" params={{ project }}>Go to the flags</LinkButton>}>
          Your token may not. Whoever runs the server can give you one that may.
        </Empty>
      )}
    </Page>
  );
}

function Made({ project, flag }: { project: string; flag: string }) {
  const found = useFlag(project, flag);
  const environment = useEnvironment();
  return (
    <Page
      title={`${flag} is made`}
      lead="Read it in code, deploy, and ramp it from its page."
      actions={
        <LinkButton to="/projects/$project/flags/$flag" params={{ project, flag }}>
          Open the flag
        </LinkButton>
      }
    >
      {found.error && <Failure error={found.error} again={() => void found.refetch()} />}
      {found.isPending && <Loading />}
      {found.data && environment && (
        <Snippets project={project} environment={environment} flag={found.data} />
      )}
    </Page>
  );
}
