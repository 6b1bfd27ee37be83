/** The tables of this module by user, with the columns that are content. */
import type { ContentNames, UserTable } from '../storage/index.ts'

/**
 * A value is bound to its key and to the write that made this version. Metadata may stay over versions, so it is bound
 * to the key alone.
 */
export const entryContent: ContentNames = {
  value: ['entry', 'key', 'change'],
  metadata: ['entry.metadata', 'key'],
}

export const contextTables: readonly UserTable[] = [
  { name: 'context_entries', key: ['key'], content: entryContent },
  { name: 'context_history', key: ['key', 'version'], content: entryContent },
  { name: 'context_visible', key: ['grantee', 'key'] },
  { name: 'context_subscriptions', key: ['agent', 'grantee'] },
  { name: 'context_topics', key: ['grantee'] },
  { name: 'context_tombstones', key: ['key'] },
  { name: 'context_state', key: ['user_id'] },
  { name: 'context_work', key: ['user_id'] },
].map((table) => ({ module: 'context', ...table }))
