/** `troupe/context`: the context mesh alone, without agents, messages and runs. */
export {
  ContextMesh,
  contextKeys,
  defineKey,
  type OpenContextOptions,
  type OpenedContext,
  openContext,
} from './context/index.ts'
export type * as Context from './context-types.ts'
export { TroupeError } from './core/index.ts'
