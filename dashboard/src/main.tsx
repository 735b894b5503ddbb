import '@mantine/core/styles.css';
import './base.css';

import { MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { setNonce } from 'get-nonce';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { queryClient } from './api/queries';
import { readAhead } from './chunks';
import { sessionQuery } from './data/session';
import { readPages, router } from './router';
import { colourVariables, theme } from './theme';

// The server's policy lets only those styles in that carry the page's nonce. Browsers show it as a property alone.
const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';
setNonce(nonce);

// Everything else waits for it.
void queryClient.prefetchQuery(sessionQuery);

/** By then the page that was asked for stands. */
const AHEAD_MS = 3_000;
window.setTimeout(() => void readAhead(readPages), AHEAD_MS);

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <MantineProvider
        theme={theme}
        cssVariablesResolver={colourVariables}
        defaultColorScheme="auto"
        getStyleNonce={() => nonce}
      >
        <QueryClientProvider client={queryClient}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  );
}
