/**
 * What the library must not touch directly, each with what to use instead, and the few places where it may.
 * A run that reads the machine's clock, chance or files by itself cannot be replayed or simulated.
 */

export type Reach = 'clock' | 'chance' | 'timers' | 'network' | 'files' | 'threads' | 'process' | 'collector' | 'turns'

/** What to use instead. */
export const replacement: Readonly<Record<Reach, string>> = {
  clock: 'take a Clock from core',
  chance: 'take a Random or Ids from core',
  timers: "take a Clock from core: clock.after, clock.soon or core's sleep",
  network: 'take a port; the adapter that speaks it is wired in startup',
  files: 'take a port; files belong to storage adapters and to the host',
  threads: 'take a port; threads and child processes belong to storage adapters',
  process: 'take it as an option; only configuration, operations, startup, server and cli read the process',
  turns: 'chain a promise, or import setImmediate from node:timers: the fake timers of a test replace the globals',
  collector: 'keep no state that depends on the garbage collector',
}

/** Names of the global scope that may not be used at all. */
export const bannedGlobals: Readonly<Record<string, Reach>> = {
  setTimeout: 'timers',
  setInterval: 'timers',
  setImmediate: 'turns',
  queueMicrotask: 'turns',
  clearTimeout: 'timers',
  clearInterval: 'timers',
  clearImmediate: 'timers',
  performance: 'clock',
  crypto: 'chance',
  fetch: 'network',
  WebSocket: 'network',
  EventSource: 'network',
  XMLHttpRequest: 'network',
  Worker: 'threads',
  MessageChannel: 'threads',
  BroadcastChannel: 'threads',
  WeakRef: 'collector',
  FinalizationRegistry: 'collector',
}

/** Members of globals that are fine otherwise; `*` is every member, and the bare name. */
export const bannedMembers: Readonly<Record<string, Readonly<Record<string, Reach>>>> = {
  Date: { now: 'clock' },
  Math: { random: 'chance' },
  AbortSignal: { timeout: 'timers' },
  Atomics: { wait: 'threads', waitAsync: 'threads' },
  process: { '*': 'process' },
}

/** Modules of Node (without `node:`) and npm. A deeper path counts as its module. */
export const bannedModules: Readonly<Record<string, Reach>> = {
  timers: 'timers',
  perf_hooks: 'clock',
  fs: 'files',
  sqlite: 'files',
  net: 'network',
  tls: 'network',
  http: 'network',
  https: 'network',
  http2: 'network',
  dgram: 'network',
  dns: 'network',
  undici: 'network',
  pg: 'network',
  worker_threads: 'threads',
  child_process: 'threads',
  cluster: 'threads',
  process: 'process',
  os: 'process',
}

/** Of `node:crypto` only what gives the same answer for the same input. */
export const pureCrypto = [
  'createHash',
  'createHmac',
  'createPrivateKey',
  'createPublicKey',
  'createSecretKey',
  'hash',
  'hkdfSync',
  // Of Ed25519 they draw no chance.
  'sign',
  'timingSafeEqual',
  'verify',
]

export interface Exemption {
  /** A file or folder below the library's root. */
  readonly at: string
  readonly may: readonly Reach[]
  readonly reason: string
}

export const exemptions: readonly Exemption[] = [
  { at: 'core/time/clock.ts', may: ['clock', 'timers'], reason: 'the system clock is the adapter of Clock' },
  { at: 'core/time/random.ts', may: ['chance'], reason: 'the system generator is the adapter of Random' },
  {
    at: 'security/encryption/encrypt.ts',
    may: ['chance'],
    reason: 'keys and nonces must never come from a seed',
  },
  {
    at: 'security/evaluator',
    may: ['threads', 'timers', 'clock', 'files'],
    reason:
      'what others wrote is evaluated in a thread, whose file it looks for, with a deadline, which no virtual clock may stop',
  },
  {
    at: 'protocols/mcp/client/program-transport.ts',
    may: ['files', 'process'],
    reason: 'a program that runs is ended with the processes that it has started, which the system lists in /proc',
  },
  {
    at: 'sandbox/quickjs',
    may: ['threads', 'timers', 'clock', 'files'],
    reason: 'code runs in a thread, whose file it looks for, with a deadline, which no virtual clock may stop',
  },
  {
    at: 'sandbox/process',
    may: ['threads', 'timers', 'files', 'process'],
    reason: 'code runs in a process with a folder of its own and a deadline, which no virtual clock may stop',
  },
  { at: 'agents/skills', may: ['files'], reason: 'an application reads skills before it opens a troupe' },
  {
    at: 'agents/definitions/instructions-file.ts',
    may: ['files'],
    reason: 'an application reads instructions before it opens a troupe',
  },
  { at: 'security/egress', may: ['network'], reason: 'the one client through which anything goes out' },
  {
    at: 'storage/sqlite',
    may: ['files', 'threads', 'process', 'timers'],
    reason: 'the file, its owner and its writer thread live here',
  },
  { at: 'storage/postgres', may: ['network', 'timers'], reason: 'the adapter of a database server' },
  {
    at: 'storage/postgres/backups.ts',
    may: ['files', 'network'],
    reason: 'a backup of a server is a file',
  },
  { at: 'storage/backup', may: ['files'], reason: 'a backup is a folder' },
  {
    at: 'storage/process-identity.ts',
    may: ['files', 'process'],
    reason: 'files name the process that owns a database, or writes a backup',
  },
  {
    at: 'documents',
    may: ['files'],
    reason: 'it reads the folders of documents that an application names, and stores their index',
  },
  { at: 'configuration', may: ['process', 'files'], reason: 'it reads files and the environment' },
  { at: 'operations', may: ['process', 'files'], reason: 'doctor and backups look at the machine' },
  { at: 'startup', may: ['process', 'files'], reason: 'signals, cassettes, and the name of the process' },
  { at: 'configuration/secrets', may: ['threads'], reason: 'a secret may be what a command prints' },
  {
    at: 'startup/services/deliver-checkpoints.ts',
    may: ['files', 'network', 'timers'],
    reason: 'checkpoints of the audit log are posted',
  },
  {
    at: 'testing/simulation',
    may: ['clock', 'timers', 'turns', 'chance', 'files', 'threads', 'process'],
    reason: 'it replaces the globals of a process, and runs seeds in child processes',
  },
  { at: 'server', may: ['process', 'network', 'files'], reason: 'it listens, and serves the studio' },
  {
    at: 'client',
    may: ['network', 'timers', 'chance'],
    reason: 'it runs in pages and other programs, which have no troupe: nothing of it is replayed',
  },
  {
    at: 'cli',
    may: ['clock', 'process', 'files', 'network', 'timers', 'threads', 'chance'],
    reason: 'it is a program of its own, the edge to a person: nothing of it is replayed',
  },
]
