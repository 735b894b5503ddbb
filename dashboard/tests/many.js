// Many flags at once, as an import brings them.

const SETTINGS = { enabled: false, default: { serve: 'on' }, off_variant: 'off' };

export async function importFlags(hoist, count) {
  const flags = Array.from({ length: count }, (_, number) => {
    const key = `flag_${String(number).padStart(5, '0')}`;
    return {
      key, name: key, type: 'boolean', variants: { on: true, off: false }, purpose: 'release', owner: `team-${number % 40}`,
      salt: key, bucketing: 'hoist-v1', settings: { development: SETTINGS, staging: SETTINGS, production: SETTINGS },
    };
  });
  await hoist.send('POST', 'import', { ...(await hoist.send('GET', 'export')), flags });
}
