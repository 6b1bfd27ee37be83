/**
 * `troupe/compat/syntha`: the calls of both editions of Syntha's guides, in their spelling, on a context of Troupe. A call
 * without a counterpart is rejected with an error that names the alternative in Troupe. New code uses `troupe`.
 */
export { TroupeError as SynthaError } from '../../core/index.ts'
export type { Framework, FrameworkHandler, Integration } from './frameworks.ts'
export type { MeshOptions } from './mesh-options.ts'
export {
  build_custom_prompt,
  build_message_prompt,
  build_system_prompt,
  inject_context_into_prompt,
  type PromptOptions,
} from './prompts.ts'
export type { CustomRoles } from './rights.ts'
export {
  create_multi_agent_handlers,
  create_restricted_handler,
  create_role_based_handler,
  get_role_info,
  PREDEFINED_ROLES,
} from './role-handlers.ts'
export { ContextMesh, type StoreOptions } from './syntha-context-mesh.ts'
export { type SynthaHandler, synthaHandler } from './syntha-handler.ts'
export type { SynthaResult } from './syntha-result.ts'
export type { RawArguments } from './tool-arguments.ts'
export { SynthaToolFactory } from './tool-factory.ts'
export { ToolHandler, type ToolHandlerOptions } from './tool-handler.ts'
export {
  create_hybrid_tool_handler,
  get_all_tool_schemas,
  type HybridHandler,
  merge_tool_schemas,
  type UserHandler,
  type UserSchema,
} from './tool-schemas.ts'
export * from './unsupported.ts'
