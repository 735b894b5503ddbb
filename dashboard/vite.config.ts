import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const COMPRESSED = new Set(['.js', '.css', '.svg']);

/** Writes each asset compressed beside itself, once, so that the server never compresses anything. */
function precompress(): Plugin {
  let assets = '';
  return {
    name: 'precompress',
    apply: 'build',
    configResolved(config) {
      assets = join(config.root, config.build.outDir, config.build.assetsDir);
      if (config.build.outDir.startsWith('/')) assets = join(config.build.outDir, config.build.assetsDir);
    },
    closeBundle() {
      for (const name of readdirSync(assets)) {
        if (!COMPRESSED.has(extname(name))) continue;
        const plain = readFileSync(join(assets, name));
        writeFileSync(join(assets, `${name}.gz`), gzipSync(plain, { level: 9 }));
        const quality = { [constants.BROTLI_PARAM_QUALITY]: 11 };
        writeFileSync(join(assets, `${name}.br`), brotliCompressSync(plain, { params: quality }));
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), precompress()],
  // The server puts a fresh nonce for every `{nonce}` in the page.
  html: { cspNonce: '{nonce}' },
  build: {
    target: 'es2022',
    // The strict policy has no `data:` for fonts and scripts, and a small file costs nothing from the same server.
    assetsInlineLimit: 0,
    // One sheet, there from the start: a page whose code is known draws without the server.
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 750,
    // What the first page needs is one file: each further one would be asked for only when the one before was read.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'first', tags: ['$initial'] }] } } },
  },
  server: {
    proxy: {
      // The server looks at Host and Origin: both must stay the page's own.
      '^/(api|sdk|ofrep|openapi.json|livez|healthz|readyz|metrics)': {
        target: process.env['HOIST_URL'] ?? 'http://127.0.0.1:8080',
        changeOrigin: false,
      },
    },
  },
});
