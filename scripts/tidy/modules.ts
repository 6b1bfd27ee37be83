/**
 * The modules of the library and the direction of their imports: the one table that the check of imports reads.
 * ARCHITECTURE.md gives the reasons. A change of this file is a commit of its own.
 */

/** A module imports only modules above it in this list. */
export const modules = [
  'core',
  'resilience',
  'storage',
  'observability',
  'security',
  'journal',
  'context',
  'messaging',
  'sandbox',
  'documents',
  'models',
  'tools',
  'agents',
  'topology',
  'runs',
  'configuration',
  'operations',
  'startup',
  'protocols',
  'compat',
  'server',
  'client',
  'cli',
  'testing',
] as const

/** Modules that do not import each other, whatever their order. */
export const isolatedPairs: readonly (readonly [string, string])[] = [
  ['observability', 'security'],
  ['server', 'testing'],
  ['server', 'client'],
]

export const libraryRoot = 'packages/troupe/src'

/** Folders of concrete adapters: inside their module only its index.ts names them, outside it only `wirers` do. */
export const adapterFolders = ['storage/sqlite', 'storage/postgres', 'sandbox/quickjs', 'sandbox/process']

/** Adapters that share a file with their port. */
export const adapterNames: Readonly<Record<string, readonly string[]>> = { core: ['systemClock', 'systemRandom'] }

/** Modules and files that may name a concrete adapter. Tests may too. */
export const wirers: readonly { readonly at: string; readonly reason: string }[] = [
  { at: 'startup', reason: 'it wires a troupe' },
  { at: 'operations', reason: 'backups and checks open a database without a troupe' },
  { at: 'context/open-context.ts', reason: 'it opens a mesh without a troupe' },
  { at: 'configuration/check-config.ts', reason: 'the default clock and generator of a configuration' },
  { at: 'testing', reason: "it wires troupes for tests, ours and users'" },
  { at: 'agents/definitions/agent-pool.ts', reason: 'users make it without a troupe' },
  { at: 'observability/health/health-monitor.ts', reason: 'users make it without a troupe' },
  { at: 'observability/metrics/metrics-collector.ts', reason: 'users make it without a troupe' },
  { at: 'resilience/circuit-breaker.ts', reason: 'users make it without a troupe' },
  { at: 'resilience/rate-limiter.ts', reason: 'users make it without a troupe' },
  { at: 'resilience/pools', reason: 'users make it without a troupe' },
  { at: 'sandbox.ts', reason: 'users choose an engine by it' },
]

/** Folders without input or output: of ours they import only what is listed, of Node and npm only types. */
export const pureFolders: Readonly<Record<string, readonly string[]>> = {
  'runs/machine': ['core', 'topology'],
  'topology/canonical': ['core'],
}

/** Packages too heavy to load before they are used: `import type` or a dynamic import, never a static one. */
export const loadedOnFirstUse = [
  'ai',
  'diff',
  'quickjs-emscripten-core',
  '@jitl/quickjs-wasmfile-release-sync',
  'fastify',
  'pg',
  '@modelcontextprotocol/',
  '@a2a-js/sdk',
  'jszip',
  'mammoth',
  'postal-mime',
  'unpdf',
]

export const isModule = (name: string): boolean => (modules as readonly string[]).includes(name)

/** Why `from` must not import `to`, or undefined where it may. */
export function rejection(from: string, to: string): string | undefined {
  if (isolatedPairs.some(([a, b]) => (a === from && b === to) || (a === to && b === from)))
    return `${from} and ${to} do not import each other`
  const order = modules as readonly string[]
  if (order.indexOf(to) > order.indexOf(from)) return `${to} comes after ${from} in the list of modules`
  return undefined
}
