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

/** Adapters of one port, each with the word that its names carry: a file of one has the name of its counterpart. */
export const adapterPairs: readonly (readonly AdapterFolder[])[] = [
  [
    { folder: 'storage/sqlite', engine: 'sqlite' },
    { folder: 'storage/postgres', engine: 'postgres' },
  ],
]

export interface AdapterFolder {
  /** One of `adapterFolders`. */
  readonly folder: string
  readonly engine: string
}

/** Files and folders that only one adapter has. */
export const withoutCounterpart: readonly { readonly at: string; readonly reason: string }[] = [
  { at: 'storage/sqlite/commits/change-answers.ts', reason: 'observers of changes exist where one process writes' },
  {
    at: 'storage/sqlite/commits/commit-large.ts',
    reason: 'a change in slices; PostgreSQL executes a change as a whole',
  },
  {
    at: 'storage/sqlite/commits/pending-changes.ts',
    reason: 'batches for the writer; PostgreSQL has a lane of each user',
  },
  { at: 'storage/sqlite/commits/send-window.ts', reason: 'batches on their way to the writer' },
  {
    at: 'storage/sqlite/commits/storage-time.ts',
    reason: 'the time of this process; PostgreSQL has that of the server',
  },
  { at: 'storage/sqlite/commits/write-state.ts', reason: 'a full or broken disk; the state of a server is polled' },
  {
    at: 'storage/sqlite/commits/writer-recovery.ts',
    reason: 'probes of a disk; a connection that is lost is replaced',
  },
  { at: 'storage/sqlite/database-sync.ts', reason: 'loads node:sqlite, and explains a Node without it' },
  { at: 'storage/sqlite/open-disk.ts', reason: 'a disk in memory, for simulations' },
  { at: 'storage/sqlite/file', reason: 'the file of a database and its owner; PostgreSQL has connections' },
  { at: 'storage/sqlite/writer', reason: 'the thread that writes; PostgreSQL has transactions on connections' },
  { at: 'storage/postgres/commits/answer-change.ts', reason: 'outcomes that a lost connection leaves unknown' },
  { at: 'storage/postgres/inspect-server.ts', reason: 'versions and roles of a server; SQLite has neither' },
  { at: 'storage/postgres/statistics.ts', reason: 'the planner of the server needs statistics of tables that grow' },
  { at: 'storage/postgres/transactions.ts', reason: 'transactions on connections; SQLite has the writer' },
  { at: 'storage/postgres/connections', reason: 'connections to a server; SQLite has a file' },
]

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
  { at: 'documents/passage-index.ts', reason: 'users make it without a troupe' },
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
