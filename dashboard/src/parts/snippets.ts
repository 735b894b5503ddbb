import type { FlagType } from '../api/schema';

/** What a snippet needs to run as it stands. */
export interface Reading {
  url: string;
  key: string;
  flag: string;
  type: FlagType;
  /** Whether every value of a number flag is whole: Python's OpenFeature tells the kinds apart. */
  whole: boolean;
}

export interface Snippet {
  language: string;
  install: string;
  code: string;
}

const FALLBACK: Record<FlagType, [rust: string, typescript: string, python: string]> = {
  boolean: ['', 'false', 'False'],
  string: ['"classic"', "'classic'", '"classic"'],
  number: ['1.0', '1', '1.0'],
  object: ['json!({})', '{}', '{}'],
};
const RUST: Record<FlagType, string> = { boolean: 'enabled', string: 'string', number: 'number', object: 'object' };
const TYPESCRIPT: Record<FlagType, string> = { boolean: 'Boolean', string: 'String', number: 'Number', object: 'Object' };
const PYTHON: Record<FlagType, string> = { boolean: 'boolean', string: 'string', number: 'float', object: 'object' };

/** How a flag is read in each language: whole, so that it runs where it is pasted. */
export function snippets({ url, key, flag, type, whole }: Reading): Snippet[] {
  const [rust, typescript, inPython] = FALLBACK[type];
  const [python, getter] = type === 'number' && whole ? ['1', 'integer'] : [inPython, PYTHON[type]];
  const read = rust ? `flags.${RUST[type]}("${flag}", "user-1", ${rust})` : `flags.enabled("${flag}", "user-1")`;
  return [
    {
      language: 'Rust',
      install: 'In Cargo.toml: hoist, and tokio with "macros" and "rt-multi-thread"' + (type === 'object' ? '; serde_json' : ''),
      code: `${type === 'object' ? 'use serde_json::json;\n\n' : ''}#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let flags = hoist::Client::builder("${url}")
        .sdk_key("${key}")
        .app("my-app")
        .connect()
        .await?;
    flags.ready(std::time::Duration::from_secs(2)).await;
    println!("{}", ${read});
    Ok(())
}`,
    },
    {
      language: 'TypeScript',
      install: 'npm install @openfeature/server-sdk @openfeature/ofrep-provider',
      code: `import { OpenFeature } from '@openfeature/server-sdk';
import { OFREPProvider } from '@openfeature/ofrep-provider';

await OpenFeature.setProviderAndWait(
  new OFREPProvider({
    baseUrl: '${url}',
    headers: [['authorization', 'Bearer ${key}']],
  }),
);

const value = await OpenFeature.getClient()
  .get${TYPESCRIPT[type]}Value('${flag}', ${typescript}, { targetingKey: 'user-1' });
console.log(value);`,
    },
    {
      language: 'Python',
      install: 'pip install openfeature-sdk openfeature-provider-ofrep',
      code: `from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

headers = lambda: {"Authorization": "Bearer ${key}"}
api.set_provider(OFREPProvider("${url}", headers_factory=headers))

value = api.get_client().get_${getter}_value("${flag}", ${python}, EvaluationContext("user-1"))
print(value)`,
    },
    {
      language: 'curl',
      install: 'Nothing to install',
      code: `curl -H 'Authorization: Bearer ${key}' -H 'Content-Type: application/json' \\
  -d '{"context":{"targetingKey":"user-1"}}' \\
  ${url}/ofrep/v1/evaluate/flags/${flag}`,
    },
  ];
}
