/** What the built-in tools need of hands besides what everybody has: each of them is a right by its own name. */
import type { Page } from '../core/index.ts'
import type { Right } from '../security/index.ts'
import type { ContextClient, Entry, ListOptions } from './context-client.ts'

export interface ToolContext extends ContextClient {
  /** For who tells what there is to be done; each call asks for itself. */
  can(right: Right): boolean
  /** `list` by another right. */
  listAs(right: Right, options: ListOptions): Promise<Page<Entry>>
}

/** Hands of ours are. */
export const isToolContext = (context: ContextClient): context is ToolContext => 'listAs' in context
