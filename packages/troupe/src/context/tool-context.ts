/** The members of a context that only the built-in tools use: each tool is a right with its own name. */
import type { Page } from '../core/index.ts'
import type { Right } from '../security/index.ts'
import type { ContextClient, Entry, ListOptions } from './context-client.ts'

/** Members of Troupe's own contexts that no entry exports: an application cannot call them. */
export const isAllowed: unique symbol = Symbol('isAllowed')
export const listWithRight: unique symbol = Symbol('listWithRight')

export interface ToolContext extends ContextClient {
  /** Whether a call that needs this right would be accepted; the call itself checks again. */
  [isAllowed](right: Right): boolean
  /** `list`, checked and recorded under another right. */
  [listWithRight](right: Right, options: ListOptions): Promise<Page<Entry>>
}

/** Returns false for a context that an application has implemented. */
export const isToolContext = (context: ContextClient): context is ToolContext => listWithRight in context
