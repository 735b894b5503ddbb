// A page that was bundled a moment ago, in place of the one that was built into the server: `npm run bundle` and
// `TEST_DASHBOARD=dist npm test` look at a change without building the server again. Its answers and its policy stay.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const TYPES = { js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' };

export async function serveBundle(context) {
  const folder = process.env.TEST_DASHBOARD && resolve(process.env.TEST_DASHBOARD);
  if (!folder) return;
  await context.route('**/assets/*', (route) => {
    const name = new URL(route.request().url()).pathname.split('/').at(-1);
    return route.fulfill({ path: `${folder}/assets/${name}`, contentType: TYPES[name.split('.').at(-1)] });
  });
  await context.route('**', async (route) => {
    if (route.request().resourceType() !== 'document') return route.fallback();
    const response = await route.fetch();
    const nonce = response.headers()['content-security-policy'].match(/'nonce-([^']+)'/)[1];
    const body = readFileSync(`${folder}/index.html`, 'utf8').replaceAll('{nonce}', nonce);
    return route.fulfill({ response, body });
  });
}
