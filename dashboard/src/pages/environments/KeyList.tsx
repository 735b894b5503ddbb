import { Badge, Button, Code } from '@mantine/core';
import { useState } from 'react';
import type { Kind, Token } from '../../api/schema';
import { useEnvironments } from '../../data/environments';
import { useMayShared, useSession } from '../../data/session';
import { useRevokeToken, useTokens } from '../../data/tokens';
import { ChangeDialog } from '../../parts/ChangeDialog';
import { Empty } from '../../parts/Empty';
import { EnvironmentName } from '../../parts/EnvironmentName';
import { Failure } from '../../parts/Failure';
import lines from '../../parts/Lines.module.css';
import { Loading } from '../../parts/Loading';
import { Person } from '../../parts/Person';
import { Time } from '../../parts/Time';
import { Add } from './EnvironmentList';
import classes from './Environments.module.css';
import { KeyDialog } from './KeyDialog';
import { Section } from './Section';

export const KINDS: Record<Kind, string> = { sdk: 'SDK', web: 'Web', api: 'API' };

export function KeyList({ project }: { project: string }) {
  const may = useMayShared('admin');
  const tokens = useTokens(project, may);
  const [creating, setCreating] = useState(false);
  const [revoked, setRevoked] = useState<Token>();
  return (
    <Section title="Keys" action={may && <Add onClick={() => setCreating(true)}>New key</Add>}>
      {!may && <p className={lines.note}>Keys are shown to administrators of the project.</p>}
      {may && tokens.isPending && <Loading rows={4} />}
      {tokens.error && <Failure error={tokens.error} again={() => void tokens.refetch()} />}
      {tokens.data?.length === 0 && <Empty title="No keys yet">An application needs an SDK key, a page a web key.</Empty>}
      {tokens.data?.map((token) => (
        <KeyRow key={token.id} project={project} token={token} revoke={may ? () => setRevoked(token) : undefined} />
      ))}
      <WellKnown project={project} />
      {creating && <KeyDialog project={project} onClose={() => setCreating(false)} />}
      {revoked && <Revoke project={project} token={revoked} onClose={() => setRevoked(undefined)} />}
    </Section>
  );
}

/** What a development server lets in without a key of anybody's, so that a first application needs none. */
function WellKnown({ project }: { project: string }) {
  const development = useSession().data?.mode === 'development';
  if (!development || project !== 'default') return null;
  return (
    <p className={lines.note}>
      On this machine <Code>hoist_sdk_development</Code> and <Code>hoist_web_development</Code> work as well, for
      Development alone: everybody knows them.
    </p>
  );
}

interface KeyRowProps {
  project: string;
  token: Token;
  revoke: (() => void) | undefined;
}

function KeyRow({ project, token, revoke }: KeyRowProps) {
  const environment = useEnvironments(project).data?.find(({ key }) => key === token.environment);
  return (
    <div className={`${lines.line} ${classes.row}`}>
      <span className={classes.name}>
        {token.name}
        <span className={lines.dim}>
          by <Person actor={token.created_by} />, <Time at={token.created_at} />
        </span>
      </span>
      <span className={classes.fact}>
        <Badge variant="default" radius="sm" tt="none">
          {KINDS[token.kind]}
          {token.kind === 'api' && ` · ${token.role}`}
        </Badge>
      </span>
      <span className={classes.fact}>{environment ? <EnvironmentName environment={environment} /> : 'All environments'}</span>
      <span className={classes.fact}>
        {token.last_used_at ? (
          <>
            Used <Time at={token.last_used_at} />
          </>
        ) : (
          'Never used'
        )}
        {token.expires_at && (
          <span className={lines.dim}>
            Ends <Time at={token.expires_at} />
          </span>
        )}
      </span>
      {revoke && (
        <span className={`${lines.acts} ${classes.acts}`}>
          <Button size="compact-sm" variant="subtle" color="var(--hoist-danger)" onClick={revoke} aria-label={`Revoke ${token.name}`}>
            Revoke
          </Button>
        </span>
      )}
    </div>
  );
}

interface RevokeProps {
  project: string;
  token: Token;
  onClose: () => void;
}

function Revoke({ project, token, onClose }: RevokeProps) {
  const revoke = useRevokeToken(project, token.id);
  return (
    <ChangeDialog action={`Revoke ${token.name}`} change={revoke} onClose={onClose}>
      It stops working at once, for ever, and streams that were opened with it end. Applications that use it go on with
      the flags they have, and hear of no change. {token.last_used_at ? <>It was last used <Time at={token.last_used_at} />.</> : 'It was never used.'}
    </ChangeDialog>
  );
}
