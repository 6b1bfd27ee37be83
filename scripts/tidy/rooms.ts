/**
 * The rooms of the library and who may open which door: the one table that the check of import directions reads.
 * ARCHITECTURE.md says why; a new arrow is a change of this file, in a commit of its own.
 */

/** A room imports only rooms above it in this list. */
export const rooms = [
  'core',
  'resilience',
  'storage',
  'observability',
  'security',
  'durable',
  'context',
  'messaging',
  'tools',
  'models',
  'agents',
  'orchestration',
  'runtime',
  'protocols',
  'compat',
  'server',
  'cli',
  'testing',
] as const

/** Rooms that do not import each other, whatever their order. */
export const apart: readonly (readonly [string, string])[] = [
  ['observability', 'security'],
  ['server', 'testing'],
]

export const libraryRoot = 'packages/troupe/src'

/** Folders of concrete adapters: inside their room only the room's index.ts names them, outside it only `wirers` do. */
export const adapterFolders = ['storage/sqlite', 'storage/postgres', 'messaging/transports']

/** Adapters that share a file with their port. */
export const adapterNames: Readonly<Record<string, readonly string[]>> = { core: ['systemClock', 'systemRandom'] }

/** Rooms and files that may name a concrete adapter. Tests may too. */
export const wirers: readonly { readonly at: string; readonly because: string }[] = [
  { at: 'runtime', because: 'it wires a troupe' },
  { at: 'testing', because: "it wires troupes for tests, ours and users'" },
  { at: 'resilience/load-tester.ts', because: 'a measuring instrument that users make without a troupe' },
]

/** Folders without input or output: of ours they import only what is listed, of Node and npm only types. */
export const pureFolders: Readonly<Record<string, readonly string[]>> = { 'orchestration/core': ['core'] }

/** Packages too heavy to load before they are used: `import type` or a dynamic import, never a static one. */
export const loadedOnFirstUse = ['ai', 'fastify', 'pg', '@modelcontextprotocol/', '@a2a-js/sdk']

export const isRoom = (name: string): boolean => (rooms as readonly string[]).includes(name)

/** Why `from` must not import `to`, or undefined where it may. */
export function refusal(from: string, to: string): string | undefined {
  if (apart.some(([a, b]) => (a === from && b === to) || (a === to && b === from)))
    return `${from} and ${to} do not import each other`
  const order = rooms as readonly string[]
  if (order.indexOf(to) > order.indexOf(from)) return `${to} stands below ${from} in the list of rooms`
  return undefined
}
