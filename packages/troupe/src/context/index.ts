/** The context mesh: entries, audiences, topics, batches, watching, lifecycles, history. */

export type * from './context-client.ts'
export { ContextMesh, type ContextStats } from './context-mesh.ts'
export { contextMigrations } from './context-migrations.ts'
export { contextTables } from './context-tables.ts'
export { checkAgentName, hostName } from './entries/agent-name.ts'
export { contextKeys } from './entries/context-keys.ts'
export { defineKey, type Key, type KeyInput, type KeyMaker, type KeyValue } from './entries/define-key.ts'
export { createLifecycles, type Lifecycle } from './entries/lifecycle.ts'
export { checkPattern } from './entries/pattern.ts'
export { Mesh } from './mesh.ts'
export { type CallerPatterns, type ContextLimits, contextLimits, type MeshParts } from './mesh-core.ts'
export { type OpenContextOptions, type OpenedContext, openContext } from './open-context.ts'
export {
  isSeen,
  positionText,
  readPosition,
  type WatchPosition,
  wholeRevision,
} from './reads/watch/watch-position.ts'
export type { WrittenEntry } from './reads/written.ts'
export { isAllowed, isToolContext, listWithRight } from './tool-context.ts'
export type { TopicPolicy } from './writes/topics.ts'
