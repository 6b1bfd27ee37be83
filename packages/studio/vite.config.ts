import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** Small modules of the first load. A chunk for each, which the bundler makes by itself, weighs a kilobyte more. */
const small =
  /studio\/src\/(?:parts\/(?:age|section|restore-focus|answer|status|run-status|use-command|use-setting|usage-ranges)|format|visible|api\/(?:use-may|use-requests|chosen-user|use-api))\.tsx?$/

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
    rolldownOptions: {
      output: { codeSplitting: { includeDependenciesRecursively: false, groups: [{ name: 'shared', test: small }] } },
    },
  },
  // With `troupe serve` beside it: `npx vite`.
  server: { proxy: { '/v1': 'http://127.0.0.1:8000', '/ready': 'http://127.0.0.1:8000' } },
})
