import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** The page ships inside the package of the library, whose server serves it. */
export default defineConfig({
  plugins: [react()],
  build: {
    outDir: '../troupe/studio',
    emptyOutDir: true,
    // Nothing inline: the server's policy lets scripts and fonts come from itself alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1_000,
  },
  // With `troupe serve` beside it: `npx vite`.
  server: { proxy: { '/v1': 'http://127.0.0.1:8000', '/ready': 'http://127.0.0.1:8000' } },
})
