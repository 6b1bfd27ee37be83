/** Run by `npm run peers`: the packages of others are installed in this folder alone. */
import { defineConfig } from 'vitest/config'

export default defineConfig({ test: { root: import.meta.dirname, globalSetup: ['../scripts/build.ts'] } })
